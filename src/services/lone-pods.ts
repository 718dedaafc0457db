import * as v from 'valibot';
import type { Patience, Retry } from '../base/retry.ts';
import { type AskApi, createCall, listAll } from './kubernetes-call.ts';
import { PodSpec } from './pod-spec.ts';

/** A running pod that no Deployment, DaemonSet or StatefulSet replaces. */
export type LonePod = {
  /** The pod, or the Job that runs it: `pod kube-system/name`. */
  of: string;
  namespace: string;
  spec: PodSpec | undefined;
  /** Milliseconds since the epoch; undefined: not started yet. */
  startedAt: number | undefined;
};

const Item = v.object({
  metadata: v.object({
    namespace: v.string(),
    name: v.string(),
    ownerReferences: v.nullish(
      v.array(v.object({ kind: v.string(), name: v.string(), controller: v.nullish(v.boolean()) })),
    ),
  }),
  spec: v.optional(PodSpec),
  status: v.optional(v.object({ startTime: v.nullish(v.string()) }), {}),
});

/** Owners that replace their pods when their own pod template changes. */
const REPLACING = new Set(['ReplicaSet', 'DaemonSet', 'StatefulSet']);
const RUNNING = { fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' };

/** Lists the pods of all namespaces that nothing replaces: bare pods, static pods, and those of Jobs and CronJobs. */
export async function listLonePods(
  ask: AskApi,
  retry: Retry,
  patience: Patience,
  abort: AbortSignal,
): Promise<LonePod[]> {
  const items = await listAll(createCall(ask, retry, patience), Item, '/api/v1/pods', RUNNING, abort);
  return items.flatMap(({ metadata: { namespace, name, ownerReferences }, spec, status }) => {
    const owner = ownerReferences?.find(({ controller }) => controller === true);
    if (owner && REPLACING.has(owner.kind)) return [];
    const of = owner?.kind === 'Job' ? `job ${namespace}/${owner.name}` : `pod ${namespace}/${name}`;
    const started = Date.parse(status.startTime ?? '');
    return [{ of, namespace, spec, startedAt: Number.isNaN(started) ? undefined : started }];
  });
}
