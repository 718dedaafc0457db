import { AgentError } from '../base/errors.ts';
import { inWords, isUp } from './active.ts';
import type { Systemctl } from './systemctl.ts';
import type { UnitPlan } from './unit.ts';

/** A unit as it was when it had been restarted and proven; `at` is the clock's `elapsed` of then. */
export type UnitSnapshot = { plan: UnitPlan; invocation: string; restarts: number; at: number };

/**
 * How much longer to wait before it is seen whether units last. "Active" may only mean that a program has begun,
 * and some end a moment later; one that presents its certificate is past that.
 */
export const remainingSettleMs = (units: readonly UnitSnapshot[], elapsed: number): number =>
  Math.max(0, ...units.filter(({ plan }) => !plan.probe).map(({ plan, at }) => at + plan.settleMs - elapsed));

/**
 * Looks at a unit once more, after all of them have been restarted: it must have been up all the time. A unit that
 * ends and is started again, for ever, looks active whenever one happens to look; systemd's own count tells.
 *
 * @throws `unit` when it has ended, or has been started again
 */
export async function assertStable(
  { plan: { name, probe }, invocation, restarts }: UnitSnapshot,
  systemctl: Systemctl,
  abort: AbortSignal,
): Promise<void> {
  const state = await systemctl.show(name, abort);
  const failing = `the unit ${name} did not last`;
  if (!isUp(state)) throw new AgentError('unit', `${failing}: ${inWords(state)}`);
  const again = state.restarts - restarts;
  if (again > 0)
    throw new AgentError(
      'unit',
      `${failing}: systemd has had to start it again (${again} ${again === 1 ? 'time' : 'times'})`,
    );
  // One that has shown its certificate may be restarted by a unit that it depends on.
  if (!probe && state.invocation !== invocation)
    throw new AgentError('unit', `${failing}: it has been started again by somebody else`);
}
