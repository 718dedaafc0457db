import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { pollUntil } from '../base/poll.ts';
import type { Systemctl, UnitState } from './systemctl.ts';

/** How often a unit or its port is asked again while it starts. */
export const AGAIN_MS = 200;

/**
 * Waits until a unit that has been started is active.
 *
 * @param before how often systemd had started it again when its start began
 * @throws `unit` when it ends, is started again too often, or is not there at the deadline
 */
export async function becomeActive(
  unit: string,
  deadline: number,
  before: number,
  { systemctl, clock }: { systemctl: Pick<Systemctl, 'show'>; clock: Clock },
  abort: AbortSignal,
): Promise<UnitState> {
  const late = {
    code: 'unit',
    reason: 'unit-not-active',
    what: `the unit ${unit} is not active in time`,
  } as const;
  return await pollUntil({ clock, everyMs: AGAIN_MS, deadline, late }, abort, async () => {
    const state = await systemctl.show(unit, abort);
    refuseLoop(unit, state, before);
    if (state.active === 'active') return state;
    if (hasEnded(state)) throw endOf(unit, state);
    throw new AgentError('not-yet', inWords(state));
  });
}

/**
 * How often systemd may start a unit again before that counts: one whose API server or etcd is away for a moment exits,
 * and is meant to be started again (Restart=).
 */
export const RESTARTS_TOLERATED = 2;

/** @throws `unit` when a unit ends after each of its starts */
export function refuseLoop(unit: string, { restarts, result }: UnitState, before: number): void {
  const again = restarts - before;
  if (again > RESTARTS_TOLERATED)
    throw new AgentError(
      'unit',
      `the unit ${unit} ends after each start: systemd has started it again ${again} times (${result})`,
      { reason: 'unit-loops' },
    );
}

/** What has ended of a unit that was started. @param cause what it answered, or did not, once it ran */
export function endOf(unit: string, state: UnitState, cause?: unknown): AgentError {
  const ended = (reason: string, why: string): AgentError =>
    new AgentError('unit', `the unit ${unit} ${why}`, { reason, ...(cause !== undefined && { cause }) });
  if (state.result === 'start-limit-hit')
    return ended('start-limit-hit', 'was started too often (start-limit-hit)');
  return state.active === 'failed' && cause === undefined
    ? ended('start-failed', `failed to start: ${inWords(state)}`)
    : ended('unit-ended', `ended after its start: ${inWords(state)}`);
}

/** `failed, result exit-code`; systemd's finer state only where it says more. */
export const inWords = ({ active, sub, result }: UnitState): string =>
  `${active}${sub === active ? '' : ` (${sub})`}, result ${result}`;

/** What systemd counts as active (systemd's `UNIT_IS_ACTIVE_OR_RELOADING`). */
export const isUp = ({ active }: Pick<UnitState, 'active'>): boolean => UP.has(active);

const UP: ReadonlySet<string> = new Set(['active', 'reloading', 'refreshing']);

/** What has ended does not come back by itself, unless a job is to start it: there is nothing to wait for. */
export const hasEnded = ({ active, hasJob }: UnitState): boolean =>
  !hasJob && (active === 'failed' || active === 'inactive');
