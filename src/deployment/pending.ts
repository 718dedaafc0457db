import type { Deployment } from './deployment.ts';

/** What a node should do about the deployments that Heat lists now. */
export type Pending = {
  /** Not yet answered, in the order that Heat means: by creation time, then by id. */
  due: Deployment[];
  /** Replaced within the same list by a newer deployment of the same resource. */
  superseded: Deployment[];
};

/** @param settled whether this node has already finished a deployment, itself or by its predecessor */
export function pendingOf(deployments: readonly Deployment[], settled: (id: string) => boolean): Pending {
  const ordered = deployments.toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  const newest = new Map(ordered.map((deployment) => [deployment.resource, deployment.id]));
  const open = ordered.filter(({ id }) => !settled(id));
  const isNewest = ({ id, resource }: Deployment): boolean => newest.get(resource) === id;
  return { due: open.filter(isNewest), superseded: open.filter((deployment) => !isNewest(deployment)) };
}
