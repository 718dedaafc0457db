import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { pollUntil } from '../base/poll.ts';
import type { Remark } from '../base/remark.ts';
import { AGAIN_MS, hasEnded, inWords, isUp } from './active.ts';
import type { Systemctl, UnitState } from './systemctl.ts';
import type { UnitPlan } from './unit.ts';
import { isSameProcess } from './unit-process.ts';

/** A fault that prevents a unit from being restarted. */
type UnitFault = Remark<'unit-masked' | 'unit-file-faulty' | 'unit-missing'>;

type JobHands = { systemctl: Pick<Systemctl, 'show' | 'resetFailed' | 'restart'>; clock: Clock };

/** Returns the fault that would prevent a restart; undefined if there is none. */
export function unitFault({ name, required }: UnitPlan, { load }: UnitState): UnitFault | undefined {
  if (load === 'masked')
    return { code: 'unit-masked', of: name, text: `the unit ${name} is masked: systemctl unmask ${name}` };
  if (load === 'bad-setting' || load === 'error')
    return {
      code: 'unit-file-faulty',
      of: name,
      text: `the unit ${name} has a faulty unit file (${load}): systemctl status ${name}`,
    };
  return load === 'not-found' && required
    ? { code: 'unit-missing', of: name, text: `this node has no unit ${name}, which its layout requires` }
    : undefined;
}

/**
 * Restarts a unit and waits until its former process has ended. A stop takes its own time (an API server waits for its
 * watches, podman for a container), so the deadline of the start begins when this returns.
 *
 * @returns whether the node has the unit
 * @throws `unit` if systemd refuses, or if the unit does not stop
 */
export async function restartUnit(plan: UnitPlan, hands: JobHands, abort: AbortSignal): Promise<boolean> {
  const { systemctl, clock } = hands;
  const { name, deadlineMs } = plan;
  const before = await systemctl.show(name, abort);
  if (!(await ask(plan, hands, abort))) return false;
  const deadline = clock.elapsed() + longestStop(before) + deadlineMs;
  const late = {
    code: 'unit',
    reason: 'unit-hangs',
    what: `restarting the unit ${name}: it hangs`,
  } as const;
  await pollUntil({ clock, everyMs: AGAIN_MS, deadline, late }, abort, async () => {
    const now = await systemctl.show(name, abort);
    const isThere = isUp(now) || now.active === 'deactivating';
    if (!isThere || !isSameProcess(before, now)) return;
    if (now.hasJob || now.active === 'deactivating') throw new AgentError('not-yet', inWords(now));
    throw new AgentError(
      'unit',
      `restarting the unit ${name}: it still runs its former process (${now.mainPid})`,
      { reason: 'unit-not-restarted' },
    );
  });
  return true;
}

/** A stop has up to three steps (ExecStop=, SIGTERM, SIGKILL), each with the unit's limit. */
const longestStop = ({ stopMs }: UnitState): number => (Number.isFinite(stopMs) ? 3 * stopMs : 0);

/**
 * Stops a unit and waits until it has ended.
 *
 * @returns whether it ran
 * @throws `unit` if systemd refuses, or if the unit does not stop
 */
export async function stopUnit(
  { name, deadlineMs }: UnitPlan,
  { systemctl, clock }: { systemctl: Pick<Systemctl, 'show' | 'stop'>; clock: Clock },
  abort: AbortSignal,
): Promise<boolean> {
  const before = await systemctl.show(name, abort);
  if (hasEnded(before)) return false;
  await systemctl.stop(name, abort);
  const deadline = clock.elapsed() + longestStop(before) + deadlineMs;
  const late = { code: 'unit', reason: 'unit-hangs', what: `stopping the unit ${name}: it hangs` } as const;
  await pollUntil({ clock, everyMs: AGAIN_MS, deadline, late }, abort, async () => {
    const now = await systemctl.show(name, abort);
    if (!hasEnded(now)) throw new AgentError('not-yet', inWords(now));
  });
  return true;
}

/** If systemd refuses, the unit's state explains more than the exit code. */
async function ask(plan: UnitPlan, { systemctl }: JobHands, abort: AbortSignal): Promise<boolean> {
  const { name } = plan;
  try {
    // Resets the start limit, which would refuse a unit that failed often.
    await systemctl.resetFailed(name, abort);
    await systemctl.restart(name, abort);
    return true;
  } catch (error) {
    if (abort.aborted) throw error;
    const state = await systemctl.show(name, abort);
    const fault = unitFault(plan, state);
    if (fault !== undefined) throw new AgentError('unit', fault.text, { reason: fault.code });
    if (state.load === 'not-found') return false;
    throw new AgentError('unit', `restarting the unit ${name}: systemd refuses: ${inWords(state)}`, {
      cause: error,
      reason: 'restart-refused',
    });
  }
}
