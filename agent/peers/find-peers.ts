import { hostOf } from '../../src/base/address.ts';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { type EtcdMember, readMembers } from '../../src/services/etcd-members.ts';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import { createKubernetesTrust } from '../../src/services/kubernetes-trust.ts';
import { createNodeAnnotations, type NodeObject } from '../../src/services/node-annotations.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { BRIEFLY, withOwnApi } from '../rotation/own-api.ts';
import { apiServersFor, ownEtcdOf } from '../rotation/count-masters.ts';
import type { Address } from './reach-api.ts';
import type { KnownPeer } from '../phases/record.ts';

/** The cluster's lists of its nodes. Every administrator of the cluster can forge the first two. */
export type Listed = {
  nodes: readonly NodeObject[];
  apis: readonly Address[];
  members: readonly EtcdMember[];
};

/**
 * Lists the nodes of the cluster. A master asks the Kubernetes API and its etcd, a worker only the API. A worker's
 * kubelet may read only its own Node, but its kube-proxy may list the API servers.
 *
 * @throws the API's error
 */
export async function listNodes(ask: AskApi, node: Node, hands: Hands, abort: AbortSignal): Promise<Listed> {
  if (node.role !== 'master')
    return { nodes: [], apis: await listApiServers(node, hands, abort), members: [] };
  const annotations = createNodeAnnotations(ask, hands.retry, BRIEFLY);
  const trust = createKubernetesTrust(ask, hands.retry, BRIEFLY);
  return {
    apis: await trust.apiServers(abort),
    nodes: await annotations.list(abort),
    members: await listMembers(node, hands, abort),
  };
}

/**
 * Lists the API servers. Returns none if this node's kube-proxy may not list them. Then only the server that its
 * kubelet uses is known.
 */
async function listApiServers(node: Node, hands: Hands, abort: AbortSignal): Promise<readonly Address[]> {
  try {
    return await apiServersFor(node, hands, BRIEFLY, abort);
  } catch (error) {
    if (codeOf(error) === 'aborted' || !(error instanceof AgentError)) throw error;
    hands.log('api-servers-unknown', { why: explain(error) });
    return [];
  }
}

/** Lists the members of etcd; none if this node's own etcd cannot be asked. */
export async function listMembers(node: Node, hands: Hands, abort: AbortSignal): Promise<EtcdMember[]> {
  const etcd = await ownEtcdOf(node, hands, abort);
  if (typeof etcd === 'string') return [];
  try {
    return await withOwnApi(etcd, hands, async (ask) => await readMembers(ask, abort));
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    hands.log('etcd-members-unknown', { why: explain(error) });
    return [];
  }
}

/**
 * Returns the peers of this node, each with its relevant ports. For a master these are API server, etcd and kubelet of
 * all others; for a worker the API servers. Ports are grouped by address.
 *
 * @param own the addresses and the name of this node
 */
export function peersIn(
  { nodes, apis, members }: Listed,
  isMaster: boolean,
  own: ReadonlySet<string>,
): KnownPeer[] {
  const found = new Map<string, KnownPeer>();
  const at = (host: string, name: string, master: boolean, ...ports: KnownPeer['ports']): void => {
    if (own.has(host) || own.has(name)) return;
    const peer = found.get(host);
    found.set(host, {
      name: peer?.name ?? name,
      isMaster: master || (peer?.isMaster ?? false),
      ports: [
        ...(peer?.ports ?? []),
        ...ports.filter(
          (one) => !peer?.ports.some(({ port, path }) => port === one.port && path === one.path),
        ),
      ],
    });
  };
  if (isMaster)
    for (const { name, kubelet, isMaster: master } of nodes)
      if (kubelet) at(kubelet.host, name, master, { ...kubelet, path: '/healthz', ca: 'kubernetes' });
  for (const api of apis) at(api.host, api.host, true, { ...api, path: '/api', ca: 'kubernetes' });
  for (const { name, peer } of members) {
    const url = URL.parse(peer ?? '');
    if (!url) continue;
    const host = hostOf(url);
    at(host, name, true, { host, port: Number(url.port) || 2380, path: '/members', ca: 'etcd' });
  }
  return [...found.values()];
}
