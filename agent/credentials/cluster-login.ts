import { readText } from '../../src/base/disk.ts';
import { codeOf, explain } from '../../src/base/errors.ts';
import { CREDENTIAL_KEYS } from '../../src/files/credential-grammars.ts';
import type { Change, CredentialSet } from '../../src/files/credential-file.ts';
import { whileLeased } from '../../src/services/held-lease.ts';
import { createCall } from '../../src/services/kubernetes-call.ts';
import {
  createKubernetesObjects,
  type HeldObject,
  type KubernetesObjects,
} from '../../src/services/kubernetes-objects.ts';
import { createKubernetes } from '../../src/services/kubernetes.ts';
import {
  listWorkloads,
  type Replaced,
  type ReplaceHands,
  replacePods,
} from '../../src/services/replace-pods.ts';
import { listLonePods, type LonePod } from '../../src/services/lone-pods.ts';
import { leaseCalls } from '../../src/services/lease.ts';
import type { ObjectsPlan } from '../../src/services/workloads.ts';
import type { Hands } from '../hands.ts';
import { readNode } from '../node.ts';
import { followUpSoon } from '../rotation/follow-ups.ts';
import { noteCause } from '../rotation/hanging-pods.ts';
import { withOwnApi } from '../rotation/own-api.ts';
import type { Tend } from '../rotation/workloads.ts';
import { credentialsOf } from './login-of.ts';
import { type FormerRecord, noteReplaced, readFormer } from './former.ts';
import { changeBundles, holdsBundle } from './object-bundle.ts';
import { changeObject, formerOf, holdsLogin } from './object-login.ts';
import { CA_BUNDLE } from './openstack-ca.ts';
import { changeOne, type ClusterRemark, listAll } from './change-object.ts';
import { loneReadersOf, MARK, readersOf, type Sources } from './readers.ts';

/** The lease that decides which master changes the objects. */
const LEASE = 'coe-agent-credentials';
/** Longer than the replacement of all pods takes. */
const LEASE_SECONDS = 1800;
const CALL = { baseMs: 500, capMs: 15_000 };

/**
 * Replaces the former login in every Secret and config map of the cluster. Then restarts the workloads that read them
 * or the changed files of this node. A failure is reported, and a later pass retries: the node's own files are already
 * changed. Completed work is skipped, so an interrupted run resumes.
 *
 * @throws `aborted` when the program must stop
 */
export async function changeClusterLogin(
  plan: ObjectsPlan,
  hands: Hands,
  abort: AbortSignal,
  tend?: Tend,
): Promise<ClusterRemark[]> {
  const { isDone, said } = await tryClusterLogin(plan, hands, abort, tend);
  for (const { code, of, text } of said)
    if (code !== 'object-changed' && code !== 'replaced')
      hands.progress({ event: 'notice', code: 'cluster-login', ...(of !== undefined && { of }), text });
  if (!isDone) await followUpSoon('credentials', hands);
  return said;
}

/** Makes one attempt; follow-ups repeat it. */
export async function tryClusterLogin(
  plan: ObjectsPlan,
  hands: Hands,
  abort: AbortSignal,
  tend?: Tend,
): Promise<{ isDone: boolean; said: ClusterRemark[] }> {
  const record = await readFormer(hands);
  if (!record) return { isDone: true, said: [] };
  await noteCause(hands);
  try {
    return await throughApi(record, plan, hands, abort, tend);
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    const text = `the login of the cluster's services in the Kubernetes API is only partly changed: ${explain(error)}`;
    return { isDone: false, said: [{ code: 'failed', text }] };
  }
}

async function throughApi(
  record: FormerRecord,
  plan: ObjectsPlan,
  hands: Hands,
  abort: AbortSignal,
  tend: Tend | undefined,
): Promise<{ isDone: boolean; said: ClusterRemark[] }> {
  const { clock, retry, progress } = hands;
  const notice = (text: string): void => {
    progress({ event: 'notice', code: 'workloads', text });
  };
  const { holder, deadlineMs } = plan;
  const patience = { ...CALL, forMs: deadlineMs };
  const terms = { holder, seconds: LEASE_SECONDS, deadlineMs };
  return await withOwnApi(plan, hands, async (ask) => {
    const lease = leaseCalls(createCall(ask, retry, patience), LEASE, LEASE_SECONDS);
    const leased = await whileLeased(lease, terms, clock, abort, async () => {
      const fresh = credentialsOf((await readNode(hands)).params);
      const api = createKubernetesObjects(ask, retry, patience);
      const before = await listAll(api, abort);
      const changed = await changeObjects(before, changesOf(record, fresh), api, abort);
      const bundle = record.formerCa === undefined ? undefined : await readText(hands.disk, CA_BUNDLE);
      if (bundle !== undefined)
        changed.push(...(await changeBundles(before, record.casInObjects, bundle, api, abort)));
      // Again: readers are marked with the versions that the changes have made.
      const objects = (await listAll(api, abort)).filter(
        (one) => holdsLogin(one, fresh) || (bundle !== undefined && holdsBundle(one, bundle)),
      );
      const kubernetes = createKubernetes(ask, retry, patience);
      const sources = { objects, files: record.files, id: record.id };
      const replaced = await replaceReaders(sources, plan, { kubernetes, clock, notice, tend }, abort);
      const pods = await listLonePods(ask, retry, patience, abort);
      await noteReplaced(record, hands);
      return [...changed, ...replaced, ...podsLeft(pods, sources, record.at)];
    });
    if (leased.is === 'done') return { isDone: true, said: leased.value };
    const text = `${leased.holder} is changing the login of the cluster's services`;
    return { isDone: false, said: [{ code: 'elsewhere', of: leased.holder, text }] };
  });
}

/**
 * Restarts workloads that take a changed file as an argument first. They must be ready before the others are restarted.
 */
async function replaceReaders(
  sources: Sources,
  plan: ObjectsPlan,
  hands: ReplaceHands,
  abort: AbortSignal,
): Promise<Replaced[]> {
  const readers = readersOf(await listWorkloads(hands.kubernetes, abort), sources);
  const said: Replaced[] = [];
  for (const isFirst of [true, false]) {
    const group = readers.filter((one) => one.isFirst === isFirst);
    said.push(...(await replacePods(group, MARK, plan, hands, abort)));
  }
  return said;
}

/** Names the pods that have read the former login and that nothing replaces. */
const podsLeft = (pods: readonly LonePod[], sources: Sources, changedAt: number): ClusterRemark[] =>
  loneReadersOf(
    pods.filter(({ startedAt }) => startedAt !== undefined && startedAt <= changedAt),
    sources,
  ).map((of) => ({
    code: 'pod-left',
    of,
    text: `${of} may still use the former login, and nothing replaces it: restart it by hand`,
  }));

/** Pairs each login that objects may still hold with the node's present login. */
export const changesOf = ({ inObjects }: Pick<FormerRecord, 'inObjects'>, fresh: CredentialSet): Change[] =>
  inObjects.map((old) => ({
    old,
    fresh,
    given: CREDENTIAL_KEYS.filter((key) => old[key] !== fresh[key] && fresh[key] !== ''),
  }));

async function changeObjects(
  objects: readonly HeldObject[],
  changes: readonly Change[],
  api: KubernetesObjects,
  abort: AbortSignal,
): Promise<ClusterRemark[]> {
  const said: ClusterRemark[] = [];
  for (const object of objects)
    for (const change of changes)
      if (holdsLogin(object, formerOf(change)))
        said.push(...(await changeOne(object, (now) => changeObject(now, change), api, abort)));
  return said;
}
