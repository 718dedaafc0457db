import { isTrue } from '../../src/metadata/heat-params.ts';
import { once } from '../../src/base/retry.ts';
import type { Hands } from '../hands.ts';
import { readNodeIfThere } from '../node.ts';
import { placeOf } from '../peers/known.ts';
import { onOwnNode, type OwnNode } from '../peers/own-node.ts';
import type { Reached } from '../peers/reach-api.ts';
import { readRotation } from '../phases/record.ts';

/**
 * Runs `work` on this node's Node, with the present data of its files and records. Nothing is retried: the next pass
 * tries again.
 *
 * @returns undefined on a node without Kubernetes or one that is not set up yet
 * @throws the errors of `work`
 */
export async function onNode<T>(
  hands: Hands,
  abort: AbortSignal,
  work: (own: OwnNode) => Promise<T>,
): Promise<Reached<T> | undefined> {
  const node = await readNodeIfThere(hands);
  if (!node || isTrue(node.params.get('TLS_DISABLED'))) return undefined;
  const place = await placeOf(node, hands, abort);
  const { peers } = await readRotation(hands);
  return await onOwnNode({ ...place, peers }, { ...hands, retry: once }, abort, work);
}
