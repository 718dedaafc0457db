import type { X509Certificate } from 'node:crypto';
import { hostPort } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { AgentError, isNotReady } from '../base/errors.ts';
import { pollUntil } from '../base/poll.ts';
import { AGAIN_MS, becomeActive, hasEnded, inWords } from './active.ts';
import type { UnitSnapshot } from './stability.ts';
import type { Systemctl, UnitState } from './systemctl.ts';
import type { UnitPlan } from './unit.ts';

export type ServiceHands = {
  systemctl: Systemctl;
  clock: Clock;
  presented(host: string, port: number, abort: AbortSignal): Promise<X509Certificate>;
  askHealth(health: NonNullable<UnitPlan['health']>, abort: AbortSignal): Promise<void>;
  /** The fingerprint of the certificate that a file holds now. */
  expected(file: string): Promise<string>;
  fingerprint(certificate: X509Certificate): string;
};

/**
 * Restarts one unit and waits until it is active, well, and, where it has a TLS port, presents its new certificate.
 *
 * @returns the unit as it was then; undefined when the node does not have it
 * @throws `unit` or `proof` with what systemd or the port said
 */
export async function restartAndProve(
  plan: UnitPlan,
  hands: ServiceHands,
  abort: AbortSignal,
): Promise<UnitSnapshot | undefined> {
  const { name, probe, health, deadlineMs } = plan;
  const deadline = hands.clock.elapsed() + deadlineMs;
  if (!(await restart(plan, hands.systemctl, abort))) return undefined;
  if (health)
    await until(name, 'is not well in time', deadline, hands, abort, async () => {
      await hands.askHealth(health, abort);
    });
  if (probe) {
    const expected = await hands.expected(probe.file);
    await until(name, `does not serve ${probe.file} in time`, deadline, hands, abort, async () => {
      const seen = hands.fingerprint(await hands.presented(probe.host, probe.port, abort));
      if (seen === expected) return;
      const where = hostPort(probe.host, probe.port);
      throw new AgentError('not-yet', `${where} presents another certificate (${seen.slice(0, 16)})`);
    });
  }
  // Some have to be started more than once until what they depend on is there: what counts is from here on.
  const { invocation, restarts } = await becomeActive(name, deadline, hands, abort);
  return { plan, invocation, restarts, at: hands.clock.elapsed() };
}

/**
 * Why a unit is not restarted although the layout names it; undefined when it is. To be asked before the first file
 * is replaced: afterwards nobody could tell a unit that somebody has stopped from one that the new files have ended.
 */
export function whyLeftAlone({ name, required }: UnitPlan, state: UnitState): string | undefined {
  if (required) return undefined;
  if (state.load === 'not-found') return `this node has no unit ${name}: it is skipped`;
  return state.active === 'inactive' && state.result === 'success'
    ? `the unit ${name} is stopped: it stays so, and reads the new files when it is started`
    : undefined;
}

/** What about a unit would keep it from being restarted; undefined when nothing does. */
export function unitFault({ name, required }: UnitPlan, { load }: UnitState): string | undefined {
  if (load === 'masked') return `the unit ${name} is masked: systemctl unmask ${name}`;
  if (load === 'bad-setting' || load === 'error')
    return `the unit ${name} has a faulty unit file (${load}): systemctl status ${name}`;
  return load === 'not-found' && required
    ? `this node has no unit ${name}, which its layout requires`
    : undefined;
}

/**
 * The restart itself; when systemd refuses, what it knows of the unit says more than its exit code.
 *
 * @returns whether there is such a unit
 */
async function restart(plan: UnitPlan, systemctl: Systemctl, abort: AbortSignal): Promise<boolean> {
  const { name, deadlineMs } = plan;
  try {
    // A unit that failed often enough is refused by its start limit until this is forgotten.
    await systemctl.resetFailed(name, abort);
    await systemctl.restart(name, deadlineMs, abort);
    return true;
  } catch (error) {
    if (abort.aborted) throw error;
    const state = await systemctl.show(name, abort);
    const fault = unitFault(plan, state);
    if (fault !== undefined) throw new AgentError('unit', fault);
    if (state.load === 'not-found') return false;
    const why =
      state.result === 'start-limit-hit'
        ? 'systemd refuses it: it was started too often (start-limit-hit)'
        : state.active === 'activating' || state.active === 'deactivating'
          ? `it hangs: ${inWords(state)}`
          : `it failed to start: ${inWords(state)}`;
    throw new AgentError('unit', `restarting the unit ${name}: ${why}`, { cause: error });
  }
}

/** Tries again until something holds, the unit ends or the deadline has passed; then says what was missing last. */
async function until(
  unit: string,
  failing: string,
  deadline: number,
  { clock, systemctl }: ServiceHands,
  abort: AbortSignal,
  attempt: () => Promise<void>,
): Promise<void> {
  const late = { code: 'proof', what: `the unit ${unit} ${failing}` } as const;
  await pollUntil({ clock, everyMs: AGAIN_MS, deadline, late }, abort, async () => {
    try {
      await attempt();
    } catch (error) {
      if (!isNotReady(error) || abort.aborted) throw error;
      const state = await systemctl.show(unit, abort);
      if (!hasEnded(state)) throw error;
      throw new AgentError('unit', `the unit ${unit} ended after its start: ${inWords(state)}`, {
        cause: error,
      });
    }
  });
}
