import type { Deployment } from './deployment.ts';

/**
 * Oldest first. Heat's clock has no step smaller than a second: of two in the same second the one that this
 * node has not finished is the newer.
 */
export const byAge =
  (settled: (id: string) => boolean) =>
  (a: Deployment, b: Deployment): number =>
    a.createdAt - b.createdAt || Number(settled(b.id)) - Number(settled(a.id)) || (a.id < b.id ? -1 : 1);

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
  const ordered = deployments.toSorted(byAge(settled));
  const newest = new Map(ordered.map(({ resource, id }) => [resource, id]));
  return ordered.filter(({ id, resource }) => newest.get(resource) === id && !settled(id));
}
