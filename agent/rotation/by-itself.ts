import { readText } from '../../src/base/disk.ts';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import type { Patience } from '../../src/base/retry.ts';
import { certificatesIn } from '../../src/certificates/read.ts';
import { given, isTrue } from '../../src/metadata/heat-params.ts';
import { createNodeAnnotations } from '../../src/services/node-annotations.ts';
import type { Hands } from '../hands.ts';
import { namesOf, type Node } from '../node.ts';
import { readRotation } from '../phases/record.ts';
import { unitsOf } from '../plan/units.ts';
import { askEtcdMembers, type Members } from './count-masters.ts';
import { BRIEFLY, ownApiOf, withOwnApi } from './own-api.ts';

/**
 * Whether this node goes through the phases of a rotation by itself. It does so with `rotation.phase: auto`. If no
 * phase is configured, it does so in a Kubernetes cluster of more than one node. A worker always has a master; a master
 * asks its etcd and its Kubernetes API. If a master cannot ask them, it uses phases: `trust` cuts off no node, but
 * `all` may.
 *
 * @param patience how long a master waits for its API
 * @param members returns the number of etcd members, on a master whose caller needs that number too
 */
export async function goesByItself(
  node: Node,
  hands: Hands,
  abort: AbortSignal,
  {
    patience = BRIEFLY,
    members = async () => await askEtcdMembers(node, hands, abort),
  }: { patience?: Patience; members?: () => Promise<Members> } = {},
): Promise<boolean> {
  const { phase } = hands.config.rotation;
  if (phase !== undefined) return phase === 'auto';
  if (isTrue(node.params.get('TLS_DISABLED'))) return false;
  if (node.role === 'worker') return canAskMaster(node);
  // The record of root is available even if the API and etcd do not answer.
  const { peers, oldCa } = await readRotation(hands);
  if (peers.length > 0) return true;
  // A started phase continues, even if the master turns out to be alone since then.
  if (oldCa && oldCa.endedAt === undefined) return true;
  try {
    if (await isBetweenPhases(node, hands)) return true;
    const count = await members();
    if (count === 'unknown') throw new AgentError('not-yet', 'etcd does not list its members');
    return (count !== 'none' && count > 1) || (await hasOtherNodes(node, hands, abort, patience));
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    hands.log('peers-unknown', { why: explain(error) });
    return true;
  }
}

/**
 * Whether a worker can reach its master, by heat-params and layout: it needs a kubelet whose certificate may act as a
 * client.
 */
function canAskMaster({ params, layout }: Node): boolean {
  const kubelet = layout.units.find(({ unit }) => unit === 'kubelet');
  const row = layout.certificates.find(({ name }) => name === kubelet?.probe?.presents);
  return (
    row?.files !== undefined &&
    row.extendedKeyUsage.includes('clientAuth') &&
    given(params, 'KUBE_MASTER_IP') !== undefined
  );
}

/** Whether the node trusts a former CA besides the present one. */
export async function isBetweenPhases(
  { layout }: Pick<Node, 'layout'>,
  { disk }: Pick<Hands, 'disk'>,
): Promise<boolean> {
  for (const { file, single } of layout.authorities) {
    const cas = single === true ? [] : certificatesIn((await readText(disk, file.path)) ?? '', file.path);
    if (new Set(cas.map(({ fingerprint256 }) => fingerprint256)).size > 1) return true;
  }
  return false;
}

/** Whether the Kubernetes API of this master lists other Nodes. @throws an error when the API does not answer */
async function hasOtherNodes(
  node: Node,
  hands: Hands,
  abort: AbortSignal,
  patience: Patience,
): Promise<boolean> {
  const api = ownApiOf(await unitsOf(node, hands, abort), node);
  // Not a master of Kubernetes.
  if (!api) return false;
  const own = namesOf(node);
  return await withOwnApi(api, hands, async (ask) => {
    const nodes = await createNodeAnnotations(ask, hands.retry, patience).list(abort);
    return nodes.some(({ name, kubelet }) => !own.has(name) && !(kubelet && own.has(kubelet.host)));
  });
}
