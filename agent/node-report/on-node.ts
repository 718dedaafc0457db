import { isTrue } from '../../src/metadata/heat-params.ts';
import { once } from '../../src/base/retry.ts';
import type { Hands } from '../hands.ts';
import { readNodeIfThere } from '../node.ts';
import { placeOf } from '../peers/known.ts';
import { onOwnNode, type OwnNode } from '../peers/own-node.ts';
import type { Reached } from '../peers/reach-api.ts';
import { readRotation } from '../phases/record.ts';

/**
 * Works on the Node of this node, with what its files and records say now. Nothing is tried again: the next pass is.
 *
 * @returns undefined on a node without Kubernetes, and on one that is not set up yet
 * @throws what `work` throws
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
