import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { AgentError, explain, isNotReady } from '../base/errors.ts';
import type { Systemctl, UnitState } from './systemctl.ts';
import type { UnitPlan } from './unit.ts';

export type ServiceHands = {
  systemctl: Systemctl;
  clock: Clock;
  presented(host: string, port: number, signal: AbortSignal): Promise<X509Certificate>;
  askHealth(health: NonNullable<UnitPlan['health']>, signal: AbortSignal): Promise<void>;
  /** The fingerprint of the certificate that a file holds now. */
  expected(file: string): Promise<string>;
  fingerprint(certificate: X509Certificate): string;
};

/** Whether a unit has taken up the new files: restarted, well, and, where it has a TLS port, seen to present them. */
export type Proven = { unit: string; result: 'proven' | 'active' | 'absent' };

/** How often a unit or its port is asked again while it starts. */
const AGAIN_MS = 200;

/**
 * Restarts one unit and waits until it is active, well, and presents its new certificate.
 *
 * @throws `unit` or `proof` with what systemd or the port said
 */
export async function restartAndProve(
  plan: UnitPlan,
  hands: ServiceHands,
  signal: AbortSignal,
): Promise<Proven> {
  const { unit, probe, health, deadlineMs } = plan;
  const { systemctl, clock } = hands;
  const before = await systemctl.show(unit, signal);
  const fault = unitFault(plan, before);
  if (fault !== undefined) throw new AgentError('unit', fault);
  if (before.load === 'not-found') return { unit, result: 'absent' };

  const deadline = clock.elapsed() + deadlineMs;
  // A unit that failed often enough is refused by its start limit until this is forgotten.
  await systemctl.resetFailed(unit, signal);
  await restart(unit, deadlineMs, systemctl, signal);
  await becomeActive(unit, deadline, hands, signal);
  if (health)
    await until(unit, 'is not well in time', deadline, hands, signal, async () => {
      await hands.askHealth(health, signal);
    });
  if (!probe) return { unit, result: 'active' };
  const expected = await hands.expected(probe.file);
  await until(unit, `does not serve ${probe.file} in time`, deadline, hands, signal, async () => {
    const seen = hands.fingerprint(await hands.presented(probe.host, probe.port, signal));
    if (seen === expected) return;
    const where = `${probe.host}:${probe.port}`;
    throw new AgentError('not-yet', `${where} presents another certificate (${seen.slice(0, 16)})`);
  });
  return { unit, result: 'proven' };
}

/**
 * Looks at a unit once more, after the units behind it have been restarted: "active" alone may only mean that
 * its program has begun, and some end a moment later.
 *
 * @throws `unit` when it has ended
 */
export async function lasts(plan: UnitPlan, hands: ServiceHands, signal: AbortSignal): Promise<void> {
  const { unit, deadlineMs } = plan;
  if ((await hands.systemctl.show(unit, signal)).load === 'not-found') return;
  await becomeActive(unit, hands.clock.elapsed() + deadlineMs, hands, signal);
}

/** What about a unit would keep it from being restarted; undefined when nothing does. */
export function unitFault({ unit, required }: UnitPlan, { load }: UnitState): string | undefined {
  if (load === 'masked') return `the unit ${unit} is masked: systemctl unmask ${unit}`;
  if (load === 'bad-setting' || load === 'error')
    return `the unit ${unit} has a faulty unit file (${load}): systemctl status ${unit}`;
  return load === 'not-found' && required
    ? `this node has no unit ${unit}, which its layout requires`
    : undefined;
}

/** The restart itself; when systemd refuses, what it knows of the unit says more than its exit code. */
async function restart(
  unit: string,
  deadlineMs: number,
  systemctl: Systemctl,
  signal: AbortSignal,
): Promise<void> {
  try {
    await systemctl.restart(unit, deadlineMs, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const state = await systemctl.show(unit, signal);
    const why =
      state.result === 'start-limit-hit'
        ? 'systemd refuses it: it was started too often (start-limit-hit)'
        : state.active === 'activating' || state.active === 'deactivating'
          ? `it hangs: ${inWords(state)}`
          : `it failed to start: ${inWords(state)}`;
    throw new AgentError('unit', `restarting the unit ${unit}: ${why}`, { cause: error });
  }
}

async function becomeActive(
  unit: string,
  deadline: number,
  hands: ServiceHands,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const state = await hands.systemctl.show(unit, signal);
    if (state.active === 'active') return;
    if (state.active === 'failed')
      throw new AgentError('unit', `the unit ${unit} failed to start: ${inWords(state)}`);
    if (hasEnded(state))
      throw new AgentError('unit', `the unit ${unit} ended after its start: ${inWords(state)}`);
    if (hands.clock.elapsed() > deadline)
      throw new AgentError('unit', `the unit ${unit} is not active in time: ${inWords(state)}`);
    await hands.clock.sleep(AGAIN_MS, signal);
  }
}

const inWords = ({ active, sub, result }: UnitState): string => `${active} (${sub}), result ${result}`;

/** What has ended does not come back by itself: there is nothing to wait for. */
const hasEnded = ({ active }: UnitState): boolean => active === 'failed' || active === 'inactive';

/** Tries again until something holds, the unit ends or the deadline has passed; then says what was missing last. */
async function until(
  unit: string,
  failing: string,
  deadline: number,
  { clock, systemctl }: ServiceHands,
  signal: AbortSignal,
  attempt: () => Promise<void>,
): Promise<void> {
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (!isNotReady(error) || signal.aborted) throw error;
      const state = await systemctl.show(unit, signal);
      if (hasEnded(state))
        throw new AgentError('unit', `the unit ${unit} ended after its start: ${inWords(state)}`, {
          cause: error,
        });
      if (clock.elapsed() > deadline)
        throw new AgentError('proof', `the unit ${unit} ${failing}: ${explain(error)}`, { cause: error });
    }
    await clock.sleep(AGAIN_MS, signal);
  }
}
