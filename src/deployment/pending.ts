import type { Deployment } from './deployment.ts';

/**
 * The deployments that this node has yet to answer, in the order that Heat means: by creation time, then by
 * id. Of several for the same resource only the newest is one.
 *
 * @param settled whether this node, or its predecessor, has already finished a deployment
 */
export function pendingOf(
  deployments: readonly Deployment[],
  settled: (id: string) => boolean,
): Deployment[] {
  const ordered = deployments.toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  const newest = new Map(ordered.map(({ resource, id }) => [resource, id]));
  return ordered.filter(({ id, resource }) => newest.get(resource) === id && !settled(id));
}
