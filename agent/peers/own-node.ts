import type { AskApi } from '../../src/services/kubernetes-call.ts';
import { createNodeAnnotations, type NodeObject } from '../../src/services/node-annotations.ts';
import type { Hands } from '../hands.ts';
import { nodeNameOf } from '../node.ts';
import type { KnownPeer } from '../phases/record.ts';
import { BRIEFLY } from '../rotation/own-api.ts';
import { clientsOf } from './clients.ts';
import { apisOf, type Place } from './known.ts';
import { type Reached, withAnyApi } from './reach-api.ts';

/** The agents' annotations, without `coe-agent/`: the step in progress, the report, and the call of a master. */
export type AnnotationName = 'step' | 'report' | 'served-ca';

/** This node's own Node, the only one on which a kubelet's certificate may write. */
export type OwnNode = {
  name: string;
  ask: AskApi;
  /** Returns undefined if the Node does not exist. */
  read(): Promise<NodeObject | undefined>;
  /** Sets annotations, and removes those that are null. Returns false if the Node does not exist. */
  annotate(changes: Partial<Record<AnnotationName, string | null>>): Promise<boolean>;
};

/**
 * Runs `work` on this node's own Node, with the first API server that answers.
 *
 * @returns undefined on a node without Kubernetes
 * @throws the errors of `work`
 */
export async function onOwnNode<T>(
  { node, units, peers }: Place & { peers: readonly KnownPeer[] },
  hands: Hands,
  abort: AbortSignal,
  work: (own: OwnNode) => Promise<T>,
): Promise<Reached<T> | undefined> {
  const { kubernetes } = clientsOf(node);
  const name = nodeNameOf(node);
  if (!kubernetes) return undefined;
  const apis = apisOf(node, units, peers);
  return await withAnyApi(apis, kubernetes, hands, abort, async (ask) => {
    const annotations = createNodeAnnotations(ask, hands.retry, BRIEFLY);
    return await work({
      name,
      ask,
      read: async () => await annotations.read(name, abort),
      annotate: async (changes) => await annotations.write(name, changes, abort),
    });
  });
}
