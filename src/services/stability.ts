import { AgentError } from '../base/errors.ts';
import { inWords, isUp, RESTARTS_TOLERATED } from './active.ts';
import { prove, type ServiceHands, type UnitSnapshot } from './restart.ts';

/**
 * Returns how much longer to wait before checking that units are stable. "Active" may only mean that a program has
 * started, and some end a moment later. A unit that has served its certificate needs no such wait.
 */
export const remainingSettleMs = (units: readonly UnitSnapshot[], elapsed: number): number =>
  Math.max(0, ...units.filter(({ plan }) => !plan.probe).map(({ plan, at }) => at + plan.settleMs - elapsed));

/**
 * Checks a unit again after all units have been restarted: it must have been up all the time. A unit that crashes in a
 * loop looks active at any moment; systemd's restart counter shows it. A unit that uses the Kubernetes API may exit
 * while that is unavailable, so it is proven again, a limited number of times.
 *
 * @returns the unit's state; the same snapshot if it has been stable
 * @throws `unit` if it has ended or has been restarted
 */
export async function seeStable(
  snapshot: UnitSnapshot,
  hands: ServiceHands,
  abort: AbortSignal,
): Promise<UnitSnapshot> {
  const { plan, invocation, restarts, before } = snapshot;
  const { name, probe, kubeconfig } = plan;
  const state = await hands.systemctl.show(name, abort);
  const again = state.restarts - restarts;
  const waits = state.active === 'activating';
  if (kubeconfig !== undefined && (again > 0 || waits) && state.restarts - before <= RESTARTS_TOLERATED) {
    const text = `the unit ${name} ended and was restarted by systemd: ${inWords(state)}`;
    hands.notice({ code: 'unit-started-again', of: name, text });
    return { ...(await prove(plan, before, hands, abort)), renewal: snapshot.renewal };
  }
  const failed = (reason: string, why: string): AgentError =>
    new AgentError('unit', `the unit ${name} is not stable: ${why}`, { reason });
  if (!isUp(state)) throw failed('unit-ended', inWords(state));
  if (again > 0)
    throw failed('unit-restarted', `systemd has restarted it (${again} ${again === 1 ? 'time' : 'times'})`);
  // A unit that has served its certificate may be restarted by a unit it depends on.
  if (!probe && state.invocation !== invocation)
    throw failed('unit-exchanged', 'it was restarted by another program');
  return snapshot;
}
