import type { Deployment } from './deployment.ts';

/** When this node accepted a deployment that it has finished since; undefined: it has not finished it. */
export type SettledAt = (id: string) => number | undefined;

/**
 * Oldest first. Heat's clock has no step smaller than a second: of two in the same second the one that this
 * node has not finished is the newer, and of two that it has, the one that it accepted later.
 */
export const byAge =
  (settledAt: SettledAt) =>
  (a: Deployment, b: Deployment): number =>
    a.createdAt - b.createdAt ||
    (settledAt(a.id) ?? Infinity) - (settledAt(b.id) ?? Infinity) ||
    (a.id < b.id ? -1 : 1);

/**
 * The deployments that this node has yet to answer, in the order that Heat means: by creation time, then by
 * id. Of several for the same resource only the newest is one.
 */
export function pendingOf(deployments: readonly Deployment[], settledAt: SettledAt): Deployment[] {
  const ordered = deployments.toSorted(byAge(settledAt));
  const newest = new Map(ordered.map(({ resource, id }) => [resource, id]));
  return ordered.filter(({ id, resource }) => newest.get(resource) === id && settledAt(id) === undefined);
}
