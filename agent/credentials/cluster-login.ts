import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import type { Remark } from '../../src/base/remark.ts';
import { CREDENTIAL_KEYS } from '../../src/files/credential-grammars.ts';
import type { Change, CredentialSet } from '../../src/files/credential-file.ts';
import { whileLeased } from '../../src/services/held-lease.ts';
import { createCall } from '../../src/services/kubernetes-call.ts';
import {
  createKubernetesObjects,
  type HeldObject,
  type KubernetesObjects,
  nameOfObject,
  OBJECT_KINDS,
} from '../../src/services/kubernetes-objects.ts';
import { createKubernetes } from '../../src/services/kubernetes.ts';
import {
  listWorkloads,
  type Replaced,
  type ReplaceHands,
  replacePods,
} from '../../src/services/replace-pods.ts';
import { leaseCalls } from '../../src/services/lease.ts';
import type { ObjectsPlan } from '../../src/services/workloads.ts';
import type { Hands } from '../hands.ts';
import { readNode } from '../node.ts';
import { followUpSoon } from '../rotation/follow-ups.ts';
import { withOwnApi } from '../rotation/own-api.ts';
import { credentialsOf } from './login-of.ts';
import { type FormerRecord, noteReplaced, readFormer } from './former.ts';
import { changeObject, formerOf, holdsLogin } from './object-login.ts';
import { MARK, readersOf, type Sources } from './readers.ts';

/** What became of the login in the API of the cluster; `of` is the object, the workload or the other master. */
export type ClusterRemark = Remark<
  'object-changed' | 'object-left' | 'elsewhere' | 'replaced' | 'waits' | 'late' | 'failed'
>;

/** Which master changes the objects. */
const LEASE = 'coe-agent-credentials';
/** Longer than the replacement of all pods takes. */
const LEASE_SECONDS = 1800;
const CALL = { baseMs: 500, capMs: 15_000 };
/** How often an object is read again that others change at the same time. */
const ATTEMPTS = 5;

/**
 * Puts the new login into every Secret and config map of the cluster that holds the former one, and has the pods that read
 * them, or the changed files of this node, replaced. A failure is reported, and a later pass tries again: the node has its
 * files. What has been done is passed over, so an interrupted run continues.
 *
 * @throws `aborted` when the program is to stop
 */
export async function changeClusterLogin(
  plan: ObjectsPlan,
  hands: Hands,
  abort: AbortSignal,
): Promise<ClusterRemark[]> {
  const { isDone, said } = await tryClusterLogin(plan, hands, abort);
  for (const { code, of, text } of said)
    if (code !== 'object-changed' && code !== 'replaced')
      hands.progress({ event: 'notice', code: 'cluster-login', ...(of !== undefined && { of }), text });
  if (!isDone) await followUpSoon('credentials', hands);
  return said;
}

/** The same once; a follow-up calls it again. */
export async function tryClusterLogin(
  plan: ObjectsPlan,
  hands: Hands,
  abort: AbortSignal,
): Promise<{ isDone: boolean; said: ClusterRemark[] }> {
  const record = await readFormer(hands);
  if (!record) return { isDone: true, said: [] };
  try {
    return await throughApi(record, plan, hands, abort);
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    const text = `the login of the cluster's services in the Kubernetes API has not been changed completely: ${explain(error)}`;
    return { isDone: false, said: [{ code: 'failed', text }] };
  }
}

async function throughApi(
  record: FormerRecord,
  plan: ObjectsPlan,
  hands: Hands,
  abort: AbortSignal,
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
      const changed = await changeObjects(changesOf(record, fresh), api, abort);
      const objects = (await listAll(api, abort)).filter((one) => holdsLogin(one, fresh));
      const kubernetes = createKubernetes(ask, retry, patience);
      const sources = { objects, files: record.files, id: record.id };
      const replaced = await replaceReaders(sources, plan, { kubernetes, clock, notice }, abort);
      await noteReplaced(record, hands);
      return [...changed, ...replaced];
    });
    if (leased.is === 'done') return { isDone: true, said: leased.value };
    const text = `${leased.holder} changes the login of the cluster's services`;
    return { isDone: false, said: [{ code: 'elsewhere', of: leased.holder, text }] };
  });
}

/** Those that are started with a changed file come first, and are ready before the others are replaced. */
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

/** From each login that objects may still hold to the one that the node has. */
export const changesOf = ({ inObjects }: Pick<FormerRecord, 'inObjects'>, fresh: CredentialSet): Change[] =>
  inObjects.map((old) => ({
    old,
    fresh,
    given: CREDENTIAL_KEYS.filter((key) => old[key] !== fresh[key] && fresh[key] !== ''),
  }));

/** Every Secret and config map of the cluster. */
export async function listAll(api: KubernetesObjects, abort: AbortSignal): Promise<HeldObject[]> {
  const found: HeldObject[] = [];
  for (const kind of OBJECT_KINDS) found.push(...(await api.list(kind, abort)));
  return found;
}

async function changeObjects(
  changes: readonly Change[],
  api: KubernetesObjects,
  abort: AbortSignal,
): Promise<ClusterRemark[]> {
  if (changes.length === 0) return [];
  const said: ClusterRemark[] = [];
  for (const object of await listAll(api, abort))
    for (const change of changes)
      if (holdsLogin(object, formerOf(change))) said.push(...(await changeOne(object, change, api, abort)));
  return said;
}

async function changeOne(
  { kind, namespace, name }: HeldObject,
  change: Change,
  api: KubernetesObjects,
  abort: AbortSignal,
): Promise<ClusterRemark[]> {
  const of = nameOfObject({ kind, namespace, name });
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const now = await api.read({ kind, namespace, name }, abort);
    if (!now) return [];
    const { changes, left } = changeObject(now, change);
    const leaving = left.map(({ code, key }): ClusterRemark => ({
      code: 'object-left',
      of,
      text: `${of}: the login in ${key} is not changed (${code})`,
    }));
    if (changes.data.size === 0 && changes.lastApplied === undefined) return leaving;
    const written = await api.write(now, changes, abort);
    if (written === 'written')
      return [{ code: 'object-changed', of, text: `${of} has the new login` }, ...leaving];
    if (written === 'gone') return [];
    if (written === 'refused')
      return [
        { code: 'object-left', of, text: `${of}: the API refuses a change of it; it may be immutable` },
      ];
  }
  throw new AgentError('not-yet', `${of} is changed by others at the same time`);
}
