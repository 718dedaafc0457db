import type { Asked } from './kubernetes.ts';
import { type Answer, forbidden } from './kubernetes-status.ts';

/** Rules of a newer Kubernetes than the real one of these tests, imitated after its documentation. */

/**
 * Kubernetes 1.32: a kubelet may read only its own Node and the pods on it (AuthorizeNodeWithSelectors,
 * https://kubernetes.io/docs/reference/access-authn-authz/node/).
 */
export function ownNodeAlone({ client, method, path }: Asked): Answer | undefined {
  const [, own] = /(?:^| )system:node:(\S+)$/.exec(client) ?? [];
  const { pathname, searchParams } = new URL(path, 'https://api');
  if (own !== undefined && method === 'GET' && pathname === '/api/v1/pods')
    return searchParams.get('fieldSelector') === `spec.nodeName=${own}`
      ? undefined
      : forbidden(`system:node:${own}`, 'list', { group: '', kind: 'pods' }, undefined);
  const [, name] = /^\/api\/v1\/nodes(?:\/(.+))?$/.exec(pathname) ?? ['', own];
  if (own === undefined || method !== 'GET' || name === own) return undefined;
  if (searchParams.get('fieldSelector') === `metadata.name=${own}`) return undefined;
  const resource = { group: '', kind: 'nodes', ...(name !== undefined && { name }) };
  return forbidden(`system:node:${own}`, name === undefined ? 'list' : 'get', resource, undefined);
}
