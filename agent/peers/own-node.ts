import type { AskApi } from '../../src/services/kubernetes-call.ts';
import type { Hands } from '../hands.ts';
import type { KnownPeer } from '../phases/record.ts';
import { clientsOf } from './clients.ts';
import { apisOf, type Place } from './known.ts';
import { type Reached, withAnyApi } from './reach-api.ts';

/**
 * Works on this node's own Node, with the first API server that answers.
 *
 * @param work gets the Node's name: a kubelet's certificate may write on this one alone
 * @returns undefined on a node without Kubernetes
 * @throws what `work` throws
 */
export async function onOwnNode<T>(
  { node, units, peers }: Place & { peers: readonly KnownPeer[] },
  hands: Hands,
  abort: AbortSignal,
  work: (ask: AskApi, name: string) => Promise<T>,
): Promise<Reached<T> | undefined> {
  const { kubernetes } = clientsOf(node);
  const name = node.values.get('INSTANCE_NAME') || (node.values.get('HOSTNAME') ?? '');
  if (!kubernetes) return undefined;
  const apis = apisOf(node, units, peers);
  return await withAnyApi(apis, kubernetes, hands, abort, async (ask) => await work(ask, name));
}
