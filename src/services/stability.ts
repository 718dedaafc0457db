import { AgentError } from '../base/errors.ts';
import { inWords, isUp, RESTARTS_TOLERATED } from './active.ts';
import { prove, type ServiceHands, type UnitSnapshot } from './restart.ts';

/**
 * How much longer to wait before it is seen whether units last. "Active" may only mean that a program has begun,
 * and some end a moment later; one that presents its certificate is past that.
 */
export const remainingSettleMs = (units: readonly UnitSnapshot[], elapsed: number): number =>
  Math.max(0, ...units.filter(({ plan }) => !plan.probe).map(({ plan, at }) => at + plan.settleMs - elapsed));

/**
 * Looks at a unit once more, after all of them have been restarted: it must have been up all the time. A unit that
 * ends and is started again, for ever, looks active whenever one happens to look; systemd's own count tells. One that
 * asks the Kubernetes API may exit when that is away, and is meant to come back: it is proven anew, some times.
 *
 * @returns the unit as it is; the same snapshot when it has lasted
 * @throws `unit` when it has ended, or has been started again
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
    const text = `the unit ${name} ended and is started again by systemd: ${inWords(state)}`;
    hands.notice({ code: 'unit-started-again', of: name, text });
    return { ...(await prove(plan, before, hands, abort)), renewal: snapshot.renewal };
  }
  const failed = (reason: string, why: string): AgentError =>
    new AgentError('unit', `the unit ${name} did not last: ${why}`, { reason });
  if (!isUp(state)) throw failed('unit-ended', inWords(state));
  if (again > 0)
    throw failed(
      'unit-restarted',
      `systemd has had to start it again (${again} ${again === 1 ? 'time' : 'times'})`,
    );
  // One that has shown its certificate may be restarted by a unit that it depends on.
  if (!probe && state.invocation !== invocation)
    throw failed('unit-exchanged', 'it has been started again by somebody else');
  return snapshot;
}
