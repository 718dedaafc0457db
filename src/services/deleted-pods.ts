import * as v from 'valibot';
import type { Patience, Retry } from '../base/retry.ts';
import { type AskApi, createCall, listAll } from './kubernetes-call.ts';

/** A pod that is being deleted: its kubelet has to stop it and to remove its volumes. */
export type DeletedPod = {
  uid: string;
  /** `kube-system/name` */
  of: string;
  /** The time that its containers have to end. */
  graceMs: number;
};

const Item = v.object({
  metadata: v.object({
    namespace: v.string(),
    name: v.string(),
    uid: v.string(),
    deletionTimestamp: v.nullish(v.string()),
    deletionGracePeriodSeconds: v.nullish(v.number()),
    finalizers: v.nullish(v.array(v.string()), []),
  }),
});

/**
 * Lists the pods of one node that are being deleted. Pods with finalizers are left out: they wait for a controller and
 * not for their kubelet. A kubelet may list the pods of its own Node.
 */
export async function listDeletedPods(
  ask: AskApi,
  node: string,
  retry: Retry,
  patience: Patience,
  abort: AbortSignal,
): Promise<DeletedPod[]> {
  const ofNode = { fieldSelector: `spec.nodeName=${node}` };
  const items = await listAll(createCall(ask, retry, patience), Item, '/api/v1/pods', ofNode, abort);
  return items.flatMap(({ metadata }) => {
    const {
      namespace,
      name,
      uid,
      deletionTimestamp,
      deletionGracePeriodSeconds: seconds,
      finalizers,
    } = metadata;
    if (!deletionTimestamp || (finalizers ?? []).length > 0) return [];
    return [{ uid, of: `${namespace}/${name}`, graceMs: (seconds ?? 0) * 1000 }];
  });
}
