import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { pollUntil } from '../base/poll.ts';
import type { Systemctl, UnitState } from './systemctl.ts';

/** How often a unit or its port is asked again while it starts. */
export const AGAIN_MS = 200;

/** Waits until a unit is active. @throws `unit` when it ends, or is not there at the deadline */
export async function becomeActive(
  unit: string,
  deadline: number,
  { systemctl, clock }: { systemctl: Systemctl; clock: Clock },
  abort: AbortSignal,
): Promise<UnitState> {
  const late = { code: 'unit', what: `the unit ${unit} is not active in time` } as const;
  return await pollUntil({ clock, everyMs: AGAIN_MS, deadline, late }, abort, async () => {
    const state = await systemctl.show(unit, abort);
    if (state.active === 'active') return state;
    if (state.active === 'failed')
      throw new AgentError('unit', `the unit ${unit} failed to start: ${inWords(state)}`);
    if (hasEnded(state))
      throw new AgentError('unit', `the unit ${unit} ended after its start: ${inWords(state)}`);
    throw new AgentError('not-yet', inWords(state));
  });
}

export const inWords = ({ active, sub, result }: UnitState): string => `${active} (${sub}), result ${result}`;

/** What systemd counts as active (systemd's `UNIT_IS_ACTIVE_OR_RELOADING`). */
export const isUp = ({ active }: Pick<UnitState, 'active'>): boolean => UP.has(active);

const UP: ReadonlySet<string> = new Set(['active', 'reloading', 'refreshing']);

/** What has ended does not come back by itself: there is nothing to wait for. */
export const hasEnded = ({ active }: UnitState): boolean => active === 'failed' || active === 'inactive';
