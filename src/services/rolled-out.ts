import type { Remark } from '../base/remark.ts';
import type { Workload } from './kubernetes.ts';

/** Returns why a workload does not replace its pods by itself; undefined if it does. */
export function whyItWaits({ kind, spec }: Workload): Remark<'paused' | 'on-delete'> | undefined {
  if (kind === 'deployments' && spec.paused)
    return { code: 'paused', text: 'is paused: its pods are replaced when it is resumed' };
  if (kind !== 'deployments' && spec.updateStrategy?.type === 'OnDelete')
    return {
      code: 'on-delete',
      text: 'has the update strategy OnDelete: its pods are replaced only when they are deleted',
    };
  return undefined;
}

/**
 * The missing part of a rollout: the controller must observe it, `count` old pods must end, or `wanted` pods must
 * exist.
 */
export type Lack = { text: string } & (
  | { code: 'unobserved' }
  | { code: 'old'; count: number }
  | { code: PodState; count: number; wanted: number }
);
type PodState = 'new' | 'available' | 'ready';

/**
 * Returns what is missing until every pod of a workload is new and available, from its status (the conditions of
 * `kubectl rollout status`); undefined if nothing is missing.
 */
export function whyNotRolledOut(workload: Workload): Lack | undefined {
  const { kind, metadata, spec, status } = workload;
  if ((status.observedGeneration ?? 0) < metadata.generation)
    return { code: 'unobserved', text: 'has not been observed by its controller yet' };
  if (kind === 'daemonsets') {
    const { desiredNumberScheduled: wanted = 0, updatedNumberScheduled = 0, numberAvailable = 0 } = status;
    return lackOf('new', updatedNumberScheduled, wanted) ?? lackOf('available', numberAvailable, wanted);
  }
  const wanted = spec.replicas ?? 1;
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0, readyReplicas = 0 } = status;
  if (kind === 'statefulsets') {
    const moving = Math.max(0, wanted - (spec.updateStrategy?.rollingUpdate?.partition ?? 0));
    return lackOf('new', updatedReplicas, moving) ?? lackOf('ready', readyReplicas, wanted);
  }
  const old = replicas - updatedReplicas;
  return (
    lackOf('new', updatedReplicas, wanted) ??
    (old > 0 ? { code: 'old', count: old, text: `still has ${old} old pods` } : undefined) ??
    lackOf('available', availableReplicas, updatedReplicas)
  );
}

const lackOf = (code: PodState, count: number, wanted: number): Lack | undefined =>
  count < wanted ? { code, count, wanted, text: `has ${count} ${code} pods of ${wanted}` } : undefined;
