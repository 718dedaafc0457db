import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { kubectl, nodes, onNode } from './magnum-cluster.ts';

/**
 * With Magnum's unit of the kubelet, a restarted kubelet keeps the mounts of the pods that run. When such a pod is
 * deleted, it hangs until the next restart (docs/troubleshooting.md).
 */

const EVERY_MS = 15_000;
/** Longer than a pod of these tests takes to end. */
const HANGS_MS = 30_000;

const Pods = v.object({
  items: v.array(
    v.object({
      metadata: v.object({ deletionTimestamp: v.optional(v.string()) }),
      spec: v.object({ nodeName: v.optional(v.string()) }),
    }),
  ),
});

async function nodesWithHanging(): Promise<Set<string | undefined>> {
  // The API may restart.
  const text = await kubectl(['get', 'pods', '--all-namespaces', '-o', 'json']).catch(() => '{"items": []}');
  const { items } = v.parse(Pods, JSON.parse(text));
  const hanging = items.filter(({ metadata: { deletionTimestamp: at } }) => {
    return at !== undefined && Date.parse(at) < Date.now() - HANGS_MS;
  });
  return new Set(hanging.map(({ spec }) => spec.nodeName));
}

/** Restarts kubelets with hanging pods, as their administrator would, until it is aborted. */
export async function freeHangingPods(abort: AbortSignal): Promise<void> {
  while (!abort.aborted) {
    const hanging = await nodesWithHanging();
    for (const node of await nodes())
      // A node may be off.
      if (hanging.has(node.name)) await onNode(node, 'systemctl', 'restart', 'kubelet').catch(() => '');
    await delay(EVERY_MS, undefined, { signal: abort }).catch(() => undefined);
  }
}
