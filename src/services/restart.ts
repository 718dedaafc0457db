import type { X509Certificate } from 'node:crypto';
import { hostPort } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { AgentError, isNotReady } from '../base/errors.ts';
import { pollUntil } from '../base/poll.ts';
import type { Remark } from '../base/remark.ts';
import { AGAIN_MS, becomeActive, endOf, hasEnded, refuseLoop } from './active.ts';
import type { Lease } from './components.ts';
import { restartUnit } from './restart-job.ts';
import { countHeld } from './stop-first.ts';
import type { Systemctl, UnitState } from './systemctl.ts';
import type { UnitPlan } from './unit.ts';

export type ServiceHands = {
  systemctl: Systemctl;
  clock: Clock;
  presented(host: string, port: number, abort: AbortSignal): Promise<X509Certificate>;
  /** Counts the open connections of clients to a port of this node. */
  heldConnections(port: number): Promise<number>;
  askHealth(health: NonNullable<UnitPlan['health']>, abort: AbortSignal): Promise<void>;
  /** The fingerprint of the certificate that a file contains now. */
  expected(file: string): Promise<string>;
  fingerprint(certificate: X509Certificate): string;
  /**
   * Calls the API server with the unit's credentials. @returns why the answer proves nothing @throws `not-yet` if it is
   * refused
   */
  seeAccepted(kubeconfig: string, abort: AbortSignal): Promise<string | undefined>;
  /** Reads a lease with the unit's credentials; undefined if it is not readable. @throws `not-yet` */
  readRenewal(kubeconfig: string, lease: Lease, abort: AbortSignal): Promise<string | undefined>;
  notice(what: UnitRemark): void;
};

/** A remark about a unit that is reported and fails nothing. */
export type UnitRemark = Remark<'credential-unseen' | 'unit-started-again'>;

/** A unit's state when it had been restarted and proven. */
export type UnitSnapshot = {
  plan: UnitPlan;
  invocation: string;
  /** systemd's count of automatic restarts at that time, and at the unit's start. */
  restarts: number;
  before: number;
  /** The clock's `elapsed` at that time. */
  at: number;
  /** The lease when the former process had ended; undefined if the unit has no lease. */
  renewal: string | undefined;
  /** Open connections to its port before the restart, which ended them; undefined if they were not counted. */
  ended: number | undefined;
};

/**
 * Restarts one unit and proves it. It must be active and healthy, serve its new certificate if it has a TLS port, and
 * be accepted by the Kubernetes API if it uses that.
 *
 * @returns the unit's state; undefined if the node does not have it
 * @throws `unit` or `proof` with the message of systemd, the port or the API
 */
export async function restartAndProve(
  plan: UnitPlan,
  hands: ServiceHands,
  abort: AbortSignal,
): Promise<UnitSnapshot | undefined> {
  const ended = await countHeld(plan, hands);
  if (!(await restartUnit(plan, hands, abort))) return undefined;
  const { restarts } = await hands.systemctl.show(plan.name, abort);
  const renewal = await renewalNow(plan, hands, abort);
  return { ...(await prove(plan, restarts, hands, abort)), renewal, ended };
}

/**
 * Waits until a freshly started unit is proven. Its deadline begins now.
 *
 * @param before systemd's count of automatic restarts at the start
 */
export async function prove(
  plan: UnitPlan,
  before: number,
  hands: ServiceHands,
  abort: AbortSignal,
): Promise<UnitSnapshot> {
  const { name, probe, health, kubeconfig } = plan;
  const start = { name, before, deadline: hands.clock.elapsed() + plan.deadlineMs };
  if (health)
    await until(start, ['unhealthy', 'is not healthy in time'], hands, abort, async () => {
      await hands.askHealth(health, abort);
    });
  if (probe) {
    const expected = await hands.expected(probe.file);
    await until(
      start,
      ['certificate-not-served', `does not serve ${probe.file} in time`],
      hands,
      abort,
      async () => {
        const seen = hands.fingerprint(await hands.presented(probe.host, probe.port, abort));
        if (seen === expected) return;
        const where = hostPort(probe.host, probe.port);
        throw new AgentError('not-yet', `${where} presents another certificate (${seen.slice(0, 16)})`, {
          reason: 'other-certificate',
        });
      },
    );
  }
  if (kubeconfig !== undefined)
    await until(
      start,
      ['credential-refused', 'is not accepted by the Kubernetes API in time'],
      hands,
      abort,
      async () => {
        const why = await whyUnseen(plan, kubeconfig, hands, abort);
        const text = `cannot verify that the Kubernetes API accepts ${name}: ${why}`;
        if (why !== undefined) hands.notice({ code: 'credential-unseen', of: name, text });
      },
    );
  // Some units restart until their dependencies are available, so restarts count from here on.
  const { invocation, restarts } = await becomeActive(name, start.deadline, before, hands, abort);
  return {
    plan,
    invocation,
    restarts,
    before,
    at: hands.clock.elapsed(),
    renewal: undefined,
    ended: undefined,
  };
}

/** The reason of an error: the API server of another node rejects the client certificate. */
export const REFUSED_ELSEWHERE = 'refused-elsewhere';

/**
 * Calls the API with the unit's credentials. An API server that has completed a rotation rejects a node that begins it:
 * the node's next phase brings the certificate that it accepts.
 */
async function whyUnseen(
  { keepsIdentity }: UnitPlan,
  kubeconfig: string,
  hands: ServiceHands,
  abort: AbortSignal,
): Promise<string | undefined> {
  try {
    return await hands.seeAccepted(kubeconfig, abort);
  } catch (error) {
    if (!keepsIdentity || !(error instanceof AgentError) || error.reason !== REFUSED_ELSEWHERE) throw error;
    return error.message;
  }
}

/** Reads the lease after the former process has ended; empty if it is unknown. */
async function renewalNow(
  { kubeconfig, lease }: UnitPlan,
  hands: ServiceHands,
  abort: AbortSignal,
): Promise<string | undefined> {
  if (kubeconfig === undefined || !lease) return undefined;
  try {
    return await hands.readRenewal(kubeconfig, lease, abort);
  } catch (error) {
    if (!isNotReady(error)) throw error;
    return '';
  }
}

/**
 * Waits until a lease has been renewed since its unit was restarted. A leader that the API refuses cannot renew its
 * lease, and its own health endpoint does not show that.
 *
 * @throws `proof` at the deadline
 */
export async function seeRenewed(
  { plan, renewal }: UnitSnapshot,
  hands: ServiceHands,
  abort: AbortSignal,
): Promise<void> {
  const { name, kubeconfig, lease, deadlineMs } = plan;
  if (kubeconfig === undefined || !lease || renewal === undefined) return;
  const { clock } = hands;
  const what = `the lease ${lease.namespace}/${lease.name} of the unit ${name} is not renewed`;
  const deadline = clock.elapsed() + deadlineMs;
  let known = renewal;
  const late = { code: 'proof', reason: 'lease-not-renewed', what } as const;
  await pollUntil({ clock, everyMs: LEASE_MS, deadline, late }, abort, async () => {
    const now = await hands.readRenewal(kubeconfig, lease, abort);
    if (now === undefined || (known !== '' && now !== known)) return;
    known = now;
    throw new AgentError('not-yet', `it was last renewed by ${now}`);
  });
}

/** A leader renews its lease every 2 seconds; another takes over after 15 seconds. */
const LEASE_MS = 1000;

type LeftAlone = Remark<'unit-missing' | 'unit-stopped'>;

/**
 * Returns why a unit of the layout is not restarted; undefined if it is. Must be called before the first file is
 * replaced: afterwards, a unit stopped by an operator looks like one that the new files have ended.
 */
export function whyLeftAlone({ name, required }: UnitPlan, state: UnitState): LeftAlone | undefined {
  if (required) return undefined;
  if (state.load === 'not-found')
    return { code: 'unit-missing', of: name, text: `this node has no unit ${name}: it is skipped` };
  const text = `the unit ${name} is stopped: it is not started, and reads the new files at its next start`;
  return state.active === 'inactive' && state.result === 'success'
    ? { code: 'unit-stopped', of: name, text }
    : undefined;
}

type Start = { name: string; before: number; deadline: number };

/** Retries until the attempt succeeds, the unit ends or the deadline passes; then reports the last failure. */
async function until(
  { name, before, deadline }: Start,
  [reason, failing]: readonly [reason: string, what: string],
  { clock, systemctl }: ServiceHands,
  abort: AbortSignal,
  attempt: () => Promise<void>,
): Promise<void> {
  const late = { code: 'proof', reason, what: `the unit ${name} ${failing}` } as const;
  await pollUntil({ clock, everyMs: AGAIN_MS, deadline, late }, abort, async () => {
    try {
      await attempt();
    } catch (error) {
      if (!isNotReady(error) || abort.aborted) throw error;
      const state = await systemctl.show(name, abort);
      refuseLoop(name, state, before);
      if (!hasEnded(state)) throw error;
      throw endOf(name, state, error);
    }
  });
}
