import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { pollUntil } from '../base/poll.ts';
import type { Systemctl, UnitState } from './systemctl.ts';

/** Poll interval for a unit or its port while the unit starts. */
export const AGAIN_MS = 200;

/**
 * Waits until a started unit is active.
 *
 * @param before systemd's count of automatic restarts at the start
 * @throws `unit` if the unit ends, is restarted too often, or is not active at the deadline
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
 * How many automatic restarts by systemd are tolerated. A unit whose API server or etcd is briefly unavailable exits,
 * and is meant to be restarted (Restart=).
 */
export const RESTARTS_TOLERATED = 2;

/** @throws `unit` if the unit ends after each of its starts */
export function refuseLoop(unit: string, { restarts, result }: UnitState, before: number): void {
  const again = restarts - before;
  if (again > RESTARTS_TOLERATED)
    throw new AgentError(
      'unit',
      `the unit ${unit} ends after each start: systemd has restarted it ${again} times (${result})`,
      { reason: 'unit-loops' },
    );
}

/** Builds the error for a unit that has ended. @param cause the failed check, if the unit did run */
export function endOf(unit: string, state: UnitState, cause?: unknown): AgentError {
  const ended = (reason: string, why: string): AgentError =>
    new AgentError('unit', `the unit ${unit} ${why}`, { reason, ...(cause !== undefined && { cause }) });
  if (state.result === 'start-limit-hit')
    return ended('start-limit-hit', 'was started too often (start-limit-hit)');
  return state.active === 'failed' && cause === undefined
    ? ended('start-failed', `failed to start: ${inWords(state)}`)
    : ended('unit-ended', `ended after its start: ${inWords(state)}`);
}

/** `failed, result exit-code`; includes systemd's substate if it differs. */
export const inWords = ({ active, sub, result }: UnitState): string =>
  `${active}${sub === active ? '' : ` (${sub})`}, result ${result}`;

/** Whether systemd counts the unit as active (systemd's `UNIT_IS_ACTIVE_OR_RELOADING`). */
export const isUp = ({ active }: Pick<UnitState, 'active'>): boolean => UP.has(active);

const UP: ReadonlySet<string> = new Set(['active', 'reloading', 'refreshing']);

/** Whether waiting is useless: an ended unit does not return by itself unless a job will start it. */
export const hasEnded = ({ active, hasJob }: UnitState): boolean =>
  !hasJob && (active === 'failed' || active === 'inactive');
