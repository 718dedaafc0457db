import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { AgentError, isNotReady } from '../base/errors.ts';
import type { Systemctl, UnitState } from './systemctl.ts';
import type { UnitPlan } from './unit.ts';

export type ServiceHands = {
  systemctl: Systemctl;
  clock: Clock;
  presented(host: string, port: number, signal: AbortSignal): Promise<X509Certificate>;
  /** The fingerprint of the certificate that a file holds now. */
  expected(file: string): Promise<string>;
  fingerprint(certificate: X509Certificate): string;
};

/** Whether a unit has taken up the new files: restarted and, where it has a TLS port, seen to present them. */
export type Proven = { unit: string; result: 'proven' | 'active' | 'absent' };

/** How often a unit or its port is asked again while it starts. */
const AGAIN_MS = 200;

/**
 * Restarts one unit and waits until it is active and presents its new certificate.
 *
 * @throws `unit` or `proof` with what systemd or the port said
 */
export async function restartAndProve(plan: UnitPlan, hands: ServiceHands, signal: AbortSignal): Promise<Proven> {
  const { unit, probe, deadlineMs } = plan;
  const { systemctl, clock } = hands;
  const before = await systemctl.show(unit, signal);
  if (before.load === 'not-found') {
    if (plan.required) throw new AgentError('unit', `the node has no unit ${unit}, which its layout requires`);
    return { unit, result: 'absent' };
  }
  if (before.load === 'masked') throw new AgentError('unit', `the unit ${unit} is masked: systemctl unmask ${unit}`);

  const deadline = clock.elapsed() + deadlineMs;
  // A unit that failed often enough is refused by its start limit until this is forgotten.
  if (before.active === 'failed') await systemctl.resetFailed(unit, signal);
  await systemctl.restart(unit, deadlineMs, signal);
  await becomeActive(unit, deadline, hands, signal);
  if (!probe) return { unit, result: 'active' };
  await present(unit, probe, deadline, hands, signal);
  return { unit, result: 'proven' };
}

async function becomeActive(unit: string, deadline: number, hands: ServiceHands, signal: AbortSignal): Promise<void> {
  for (;;) {
    const state = await hands.systemctl.show(unit, signal);
    if (state.active === 'active') return;
    if (state.active === 'failed') throw new AgentError('unit', `the unit ${unit} failed to start: ${inWords(state)}`);
    if (hands.clock.elapsed() > deadline)
      throw new AgentError('unit', `the unit ${unit} is not active in time: ${inWords(state)}`);
    await hands.clock.sleep(AGAIN_MS, signal);
  }
}

const inWords = ({ active, sub, result }: UnitState): string => `${active} (${sub}), result ${result}`;

async function present(
  unit: string,
  probe: NonNullable<UnitPlan['probe']>,
  deadline: number,
  hands: ServiceHands,
  signal: AbortSignal,
): Promise<void> {
  const expected = await hands.expected(probe.file);
  for (;;) {
    const seen = await look(probe, hands, signal);
    if (seen === expected) return;
    if (hands.clock.elapsed() > deadline) {
      const where = `${probe.host}:${probe.port}`;
      const what = seen instanceof Error ? seen.message : `${where} presents another certificate (${seen.slice(0, 16)})`;
      throw new AgentError('proof', `the unit ${unit} does not serve ${probe.file} in time: ${what}`);
    }
    await hands.clock.sleep(AGAIN_MS, signal);
  }
}

/** The fingerprint that a port presents, or why it presents none yet. */
async function look(
  { host, port }: { host: string; port: number },
  hands: ServiceHands,
  signal: AbortSignal,
): Promise<string | Error> {
  try {
    return hands.fingerprint(await hands.presented(host, port, signal));
  } catch (error) {
    if (error instanceof Error && isNotReady(error) && !signal.aborted) return error;
    throw error;
  }
}
