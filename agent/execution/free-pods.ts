import { codeOf, explain } from '../../src/base/errors.ts';
import { once } from '../../src/base/retry.ts';
import { failed } from '../../src/deployment/outcome.ts';
import { type DeletedPod, listDeletedPods } from '../../src/services/deleted-pods.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import { auditBegin, auditEnd } from '../audit.ts';
import type { Hands } from '../hands.ts';
import { type Node, readNode } from '../node.ts';
import { type Place, placeOf } from '../peers/known.ts';
import { onOwnNode } from '../peers/own-node.ts';
import { whenTurnIsFree } from '../peers/spare-turn.ts';
import { type BeforeRestart, newTurnMemory, type TurnMemory } from '../peers/turn.ts';
import { readRotation } from '../phases/record.ts';
import {
  hangingOf,
  type KubeletRecord,
  readKubeletRecord,
  writeKubeletRecord,
} from '../rotation/hanging-pods.ts';
import { ONCE } from '../rotation/own-api.ts';
import type { Tend } from '../rotation/workloads.ts';
import { restartInOrder } from './restart-in-order.ts';
import { assertAllStable } from './units.ts';

/** The name of this work in the audit. */
const RUN_ID = 'hanging-pods';

/** How long a restarted kubelet may take to remove the pods. If it has, it may be restarted for others. */
const HELPS_MS = 60_000;
/** If it has not, the kubelet is restarted for others at most once in this time. */
const AGAIN_MS = 600_000;

/** State that one process keeps between two looks. */
export type PodsMemory = {
  /** When each pod was first seen in deletion, by uid. */
  seen: Map<string, number>;
  turn: TurnMemory;
  /** Why the last attempt got no turn; it is logged once. */
  waits: string | undefined;
};
export const newPodsMemory = (): PodsMemory => ({ seen: new Map(), turn: newTurnMemory(), waits: undefined });

/**
 * Looks at this node's pods, and restarts the kubelet once if pods stay in deletion. Pods that hang nevertheless are
 * recorded for `agent status`, and the kubelet is not restarted for them again.
 *
 * @param held a step of this run's own turn; absent: a master takes a turn if there is one now
 * @returns whether pods are in deletion, so that the next look should come soon
 * @throws `aborted`, and errors that prevent asking the API
 */
export async function freePods(
  memory: PodsMemory,
  node: Node,
  hands: Hands,
  abort: AbortSignal,
  held?: { beforeRestart: BeforeRestart | undefined },
): Promise<boolean> {
  const place = await placeOf(node, hands, abort);
  const kubelet = place.units.find(({ name }) => name === 'kubelet');
  const { peers } = await readRotation(hands);
  const asking = { ...hands, retry: once };
  const reached =
    kubelet &&
    (await onOwnNode(
      { ...place, peers },
      asking,
      abort,
      async ({ ask, name }) => await listDeletedPods(ask, name, once, ONCE, abort),
    ));
  if (!kubelet || reached?.api !== 'answers') return false;
  const isBusy = reached.value.length > 0;
  const hanging = hangingOf(reached.value, memory.seen, hands.clock.elapsed());
  const record = await seeWhatHelped(reached.value, hanging, hands);
  const againMs = record.tried.length === 0 ? HELPS_MS : AGAIN_MS;
  if (hanging.every(({ uid }) => record.tried.includes(uid)) || sinceFreed(record, hands) < againMs)
    return isBusy;
  const mend = async (beforeRestart?: BeforeRestart): Promise<void> => {
    const tried = [...new Set([...record.tried, ...hanging.map(({ uid }) => uid)])];
    await writeKubeletRecord({ ...record, freedAt: hands.clock.now(), tried }, hands);
    hands.log('pods-hang', { unit: kubelet.name, pods: hanging.map(({ of }) => of) });
    await restartAudited(kubelet, hands, beforeRestart);
  };
  if (held) await mend(held.beforeRestart);
  else await inFreeTurn(place, memory, hands, abort, mend);
  return isBusy;
}

const EVERY_MS = 20_000;

/**
 * Returns a function that looks at the pods every 20 s while workloads are replaced. Whatever prevents a look is logged:
 * the workloads do not depend on it.
 *
 * @param held as for `freePods`
 */
export function createTend(hands: Hands, held?: { beforeRestart: BeforeRestart | undefined }): Tend {
  const memory = newPodsMemory();
  let next = -Infinity;
  return async (abort) => {
    if (hands.clock.elapsed() < next) return;
    next = hands.clock.elapsed() + EVERY_MS;
    try {
      await freePods(memory, await readNode(hands), hands, abort, held);
    } catch (error) {
      if (codeOf(error) === undefined || codeOf(error) === 'aborted') throw error;
      hands.log('pods-unknown', { code: codeOf(error), why: explain(error) });
    }
  };
}

async function inFreeTurn(
  place: Place,
  memory: PodsMemory,
  hands: Hands,
  abort: AbortSignal,
  mend: (beforeRestart?: BeforeRestart) => Promise<void>,
): Promise<void> {
  const why = await whenTurnIsFree(place, memory.turn, hands, abort, mend);
  if (why === undefined) memory.turn = newTurnMemory();
  else if (why !== memory.waits) hands.log('pods-wait', { why });
  memory.waits = why;
}

/** Records and logs whether the last restart for hanging pods has helped. */
async function seeWhatHelped(
  deleted: readonly DeletedPod[],
  hanging: readonly DeletedPod[],
  hands: Hands,
): Promise<KubeletRecord> {
  const before = (await readKubeletRecord(hands)) ?? { restartedAt: hands.clock.now(), tried: [], left: [] };
  if (before.tried.length === 0 || sinceFreed(before, hands) < HELPS_MS) return before;
  const still = deleted.filter(({ uid }) => before.tried.includes(uid));
  const tried = still.map(({ uid }) => uid);
  // After a start of the program, no pod has been seen for long enough.
  const left = still
    .filter((pod) => hanging.includes(pod) || before.left.includes(pod.of))
    .map(({ of }) => of);
  if (tried.length === before.tried.length && left.join() === before.left.join()) return before;
  const record = { ...before, tried, left };
  await writeKubeletRecord(record, hands);
  if (tried.length === 0) hands.log('pods-freed', { unit: 'kubelet' });
  else if (left.some((name) => !before.left.includes(name)))
    hands.log('pods-still-hang', { unit: 'kubelet', pods: left });
  return record;
}

const sinceFreed = ({ freedAt }: KubeletRecord, { clock }: Pick<Hands, 'clock'>): number =>
  freedAt === undefined ? Infinity : Math.abs(clock.now() - freedAt);

/** Restarts and proves the kubelet as in any run. A failure is logged: it says nothing of the node's files. */
async function restartAudited(
  kubelet: UnitPlan,
  hands: Hands,
  beforeRestart: BeforeRestart | undefined,
): Promise<void> {
  await auditBegin(RUN_ID, hands);
  try {
    await assertAllStable(await restartInOrder([kubelet], hands, beforeRestart), hands);
    await auditEnd(RUN_ID, { is: 'succeeded', stderr: '' }, undefined, hands);
  } catch (error) {
    await auditEnd(RUN_ID, failed(error), undefined, hands);
    if (codeOf(error) === 'aborted') throw error;
    hands.log('pods-unfreed', { unit: kubelet.name, code: codeOf(error), why: explain(error) });
  }
}
