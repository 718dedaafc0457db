import type { Workload } from './kubernetes.ts';

/** Why the new pods of a workload do not come by themselves; undefined: they do. */
export function whyItWaits({ kind, spec }: Workload): string | undefined {
  if (kind === 'deployments' && spec.paused) return 'is paused: its pods are replaced when it is resumed';
  if (kind !== 'deployments' && spec.updateStrategy?.type === 'OnDelete')
    return 'has the update strategy OnDelete: its pods are replaced when somebody deletes them';
  return undefined;
}

/**
 * What is missing until every pod of a workload is a new one and available, by its status (the same conditions as
 * `kubectl rollout status`); undefined: nothing.
 */
export function whyNotRolledOut(workload: Workload): string | undefined {
  const { kind, metadata, spec, status } = workload;
  if ((status.observedGeneration ?? 0) < metadata.generation) return 'has not been looked at yet';
  if (kind === 'daemonsets') {
    const { desiredNumberScheduled: wanted = 0, updatedNumberScheduled = 0, numberAvailable = 0 } = status;
    if (updatedNumberScheduled < wanted) return `has ${updatedNumberScheduled} new pods of ${wanted}`;
    return numberAvailable < wanted ? `has ${numberAvailable} available pods of ${wanted}` : undefined;
  }
  const wanted = spec.replicas ?? 1;
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0, readyReplicas = 0 } = status;
  if (kind === 'statefulsets') {
    const moving = Math.max(0, wanted - (spec.updateStrategy?.rollingUpdate?.partition ?? 0));
    if (updatedReplicas < moving) return `has ${updatedReplicas} new pods of ${moving}`;
    return readyReplicas < wanted ? `has ${readyReplicas} ready pods of ${wanted}` : undefined;
  }
  if (updatedReplicas < wanted) return `has ${updatedReplicas} new pods of ${wanted}`;
  if (replicas > updatedReplicas) return `still has ${replicas - updatedReplicas} old pods`;
  return availableReplicas < updatedReplicas
    ? `has ${availableReplicas} available pods of ${updatedReplicas}`
    : undefined;
}
