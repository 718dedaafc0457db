import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { goesByItself } from '../rotation/by-itself.ts';
import { ownEtcdOf } from '../rotation/count-masters.ts';

/**
 * Whether masters restart in turns: they go through rotations by themselves, and an etcd on this node may have other
 * members. Without one there is no other master.
 */
export const takesTurns = async (node: Node, hands: Hands, abort: AbortSignal): Promise<boolean> =>
  node.role === 'master' &&
  (await ownEtcdOf(node, hands, abort)) !== 'none' &&
  (await goesByItself(node, hands, abort));
