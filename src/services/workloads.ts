import * as v from 'valibot';
import { AgentError, codeOf } from '../base/errors.ts';
import { pollUntil } from '../base/poll.ts';
import type { Remark } from '../base/remark.ts';
import { type Kubernetes, LEASE_SECONDS, WORKLOAD_KINDS, type Workload } from './kubernetes.ts';
import type { Lease } from './lease.ts';
import { awaitRollOut, nameOfWorkload, type RollOutHands } from './roll-out.ts';
import { whyItWaits } from './rolled-out.ts';
import { Identity } from './unit.ts';

/** How the cluster's workloads are restarted after a change of its CA; stored in the journal. */
export const WorkloadsPlan = v.object({
  /** The API server of this node. */
  host: v.string(),
  port: v.number(),
  /** The certificate that it serves, and the CA that pods must trust. */
  leaf: v.string(),
  ca: v.string(),
  identity: Identity,
  /** The node that restarts them: one master for all. */
  holder: v.string(),
  /** Namespaces in which to wait for the new pods. */
  namespaces: v.array(v.string()),
  perSecond: v.number(),
  deadlineMs: v.number(),
  /** Replaces only pods that mount certificates of this node by hostPath: the CA stays. */
  mountsAlone: v.optional(v.boolean()),
});
export type WorkloadsPlan = v.InferOutput<typeof WorkloadsPlan>;

/** How a login in the API is changed, and the pods that read it are replaced: the same limits, in any namespace. */
export const ObjectsPlan = v.omit(WorkloadsPlan, ['namespaces', 'mountsAlone']);
export type ObjectsPlan = v.InferOutput<typeof ObjectsPlan>;

/** A result about the workloads; `of` is a workload, or the node that restarted them. */
export type Rolled = Remark<'already' | 'elsewhere' | 'replaced' | 'waits' | 'complete' | 'late' | 'failed'>;

export type WorkloadsHands = RollOutHands & {
  kubernetes: Kubernetes;
  /** The certificates of a PEM text, each by its fingerprint. */
  fingerprints(pem: string): string[];
};

/** Annotation of the pods with the CA they trust. Another CA changes it, so the pods are replaced again. */
export const FINGERPRINT = 'coe-agent/ca-fingerprint';
export const STATE = 'coe-agent/state';

const AGAIN_MS = 2000;
/** How long the cluster may take to give its pods the new CA: its controllers run on one of the masters. */
const CA_MS = 120_000;

/**
 * Replaces the pods of every Deployment, DaemonSet and StatefulSet, one after the other, by annotating them with the
 * CA's fingerprint. Skips workloads that have it, so an interrupted run resumes. Then waits for the control namespaces.
 * One master does this; the others skip it.
 *
 * @param pem the CA that pods must trust from now on
 * @throws the error that prevented it; `aborted` if `abort` fires
 */
export async function restartWorkloads(
  plan: WorkloadsPlan,
  pem: string,
  hands: WorkloadsHands,
  abort: AbortSignal,
): Promise<Rolled[]> {
  const { kubernetes, clock } = hands;
  const value = hands.fingerprints(pem).join(',');
  const claim = await claimLease(plan, value, hands, abort);
  if (claim) return [claim];
  try {
    await untilPodsGet(value.split(','), plan, hands, abort);
    const said = await annotateAll(plan, value, hands, abort);
    const late = await untilRolledOut(plan, hands, abort);
    await writeState('done', value, plan, kubernetes, clock.now(), abort);
    return [...said, ...late];
  } catch (error) {
    // Releases the lease, so that another master or a later rotation can continue at once. A stopped node keeps it and
    // resumes itself.
    if (codeOf(error) !== 'aborted')
      await writeState('open', value, { holder: '' }, kubernetes, clock.now(), abort).catch(() => undefined);
    throw error;
  }
}

/** @returns why this node has nothing to do */
async function claimLease(
  { holder, deadlineMs }: WorkloadsPlan,
  value: string,
  { kubernetes, clock }: WorkloadsHands,
  abort: AbortSignal,
): Promise<Rolled | undefined> {
  const late = { code: 'not-yet', what: 'the lease of the workloads cannot be taken' } as const;
  const deadline = clock.elapsed() + deadlineMs;
  return await pollUntil({ clock, everyMs: AGAIN_MS, deadline, late }, abort, async () => {
    const lease = await kubernetes.readLease(abort);
    const isSame = lease?.annotations[FINGERPRINT] === value;
    if (lease && isSame && lease.annotations[STATE] === 'done')
      return told('already', lease.holder, 'the workloads have been restarted for this CA already, by');
    if (lease && isSame && lease.holder !== holder && lease.holder !== '' && lease.until > clock.now())
      return told('elsewhere', lease.holder, 'the workloads are restarted by');
    const mine = leaseFor('rolling', value, holder, clock.now(), lease);
    if (await kubernetes.writeLease(mine, abort)) return undefined;
    throw new AgentError('not-yet', 'other nodes keep changing it');
  });
}

const told = (code: 'already' | 'elsewhere', of: string, text: string): Rolled => ({
  code,
  of,
  text: `${text} ${of}`,
});

const leaseFor = (
  state: 'rolling' | 'done' | 'open',
  value: string,
  holder: string,
  now: number,
  before: Lease | undefined,
): Lease => ({
  version: before?.version,
  annotations: { ...before?.annotations, [FINGERPRINT]: value, [STATE]: state },
  holder,
  until: now + LEASE_SECONDS * 1000,
});

/** A node that has taken the lease meanwhile keeps it. */
async function writeState(
  state: 'done' | 'open',
  value: string,
  { holder }: Pick<WorkloadsPlan, 'holder'>,
  kubernetes: Kubernetes,
  now: number,
  abort: AbortSignal,
): Promise<void> {
  const lease = await kubernetes.readLease(abort);
  if (lease?.annotations[FINGERPRINT] !== value) return;
  await kubernetes.writeLease(leaseFor(state, value, holder, now, lease), abort);
}

/** Waits for the new CA: pods replaced earlier would get the former CA again. */
async function untilPodsGet(
  wanted: readonly string[],
  { namespaces, deadlineMs }: WorkloadsPlan,
  { kubernetes, clock, fingerprints }: WorkloadsHands,
  abort: AbortSignal,
): Promise<void> {
  const [namespace = 'kube-system'] = namespaces;
  const deadline = clock.elapsed() + Math.min(deadlineMs, CA_MS);
  const what = `the cluster still gives its pods another CA (config map kube-root-ca.crt in ${namespace})`;
  await pollUntil({ clock, everyMs: AGAIN_MS, deadline, late: { code: 'proof', what } }, abort, async () => {
    const pem = await kubernetes.podsCa(namespace, abort);
    const given = pem === undefined ? wanted : fingerprints(pem);
    if (wanted.every((one) => given.includes(one))) return;
    throw new AgentError('not-yet', 'its controller manager has not been restarted with the new one');
  });
}

const isMarked = ({ spec }: Workload, value: string): boolean =>
  spec.template.metadata?.annotations?.[FINGERPRINT] === value;

async function annotateAll(
  { perSecond }: WorkloadsPlan,
  value: string,
  { kubernetes, clock, notice }: WorkloadsHands,
  abort: AbortSignal,
): Promise<Rolled[]> {
  const counts: string[] = [];
  const waiting: Rolled[] = [];
  for (const kind of WORKLOAD_KINDS) {
    const all = await kubernetes.list(kind, undefined, abort);
    for (const workload of all) {
      const why = whyItWaits(workload);
      if (why !== undefined) {
        const of = nameOfWorkload(workload);
        waiting.push({ code: 'waits', of, text: `${of} ${why.text}` });
      }
      if (isMarked(workload, value)) continue;
      await kubernetes.annotatePods(workload, FINGERPRINT, value, abort);
      await clock.sleep(1000 / perSecond, abort);
    }
    counts.push(`${all.length} ${kind}`);
  }
  for (const { text } of waiting) notice(text);
  return [{ code: 'replaced', text: `the pods of ${counts.join(', ')} are replaced` }, ...waiting];
}

/** @returns the workloads not ready in time: a pod that does not start must not cause a roll-back */
async function untilRolledOut(
  { namespaces, deadlineMs }: WorkloadsPlan,
  { kubernetes, clock, notice, tend }: WorkloadsHands,
  abort: AbortSignal,
): Promise<Rolled[]> {
  const late = await awaitRollOut(deadlineMs, { clock, notice, tend }, abort, async () => {
    const found: Workload[] = [];
    for (const namespace of namespaces)
      for (const kind of WORKLOAD_KINDS) found.push(...(await kubernetes.list(kind, namespace, abort)));
    return found;
  });
  return late.length > 0
    ? late
    : [{ code: 'complete', text: `all pods of ${namespaces.join(', ')} are available` }];
}
