import type { X509Certificate } from 'node:crypto';
import { readText } from '../../src/base/disk.ts';
import { certificatesIn } from '../../src/certificates/read.ts';
import type { EtcdMember } from '../../src/services/etcd-members.ts';
import type { NodeObject } from '../../src/services/node-annotations.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { Cluster, Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { clientsOf, type PeerCa, readClient } from './clients.ts';
import { listNodes, peersIn } from './find-peers.ts';
import { firstApisOf, withAnyApi } from './reach-api.ts';
import { type KnownPeer, readOrders, readRotation, writeRotation } from '../phases/record.ts';
import { type Means, seePeer } from './see-peer.ts';
import type { Own, Peer, View } from '../phases/decide.ts';
import { servedCa, type ServedCas } from '../rotation/served-cas.ts';
import { wordFor } from './own-state.ts';
import { probesFor } from './probes.ts';

/** The annotation of a Node whose agent is in the middle of a step. */
export const STEP = 'step';

/** From where this node looks at its peers. */
export type Place = { node: Node; units: readonly UnitPlan[]; cluster: Cluster };

/** What a look at the cluster has found, beside what `decide` goes by. */
export type Look = { view: View; members: readonly EtcdMember[]; peers: readonly KnownPeer[] };

/**
 * Finds the peers of this node and asks each of them. What it finds is added to the file in which root keeps every peer;
 * a peer leaves that file when the API does not list it and it does not answer.
 */
export async function look(
  own: Own,
  served: ServedCas,
  { node, units, cluster }: Place,
  hands: Hands,
  abort: AbortSignal,
): Promise<Look> {
  const { clock, config } = hands;
  const record = await readRotation(hands);
  const orders = await readOrders(hands);
  const clients = clientsOf(node);
  const apis = apisOf(node, units, record.peers);
  const reached = clients.kubernetes
    ? await withAnyApi(
        apis,
        clients.kubernetes,
        hands,
        abort,
        async (ask) => await listNodes(ask, node, hands, abort),
      )
    : ({ api: 'silent' } as const);
  const listed = reached.api === 'answers' ? reached.value : { nodes: [], apis: [], members: [] };
  const known = together(
    record.peers,
    peersIn(
      { ...listed, apis: [...listed.apis, ...(own.isMaster ? [] : apis)] },
      own.isMaster,
      namesOf(node),
    ),
  );

  const cas = wordFor(served);
  const probes = await probesFor(cas, clients, node, cluster, hands);
  const means: Partial<Record<PeerCa, Means>> = {};
  for (const ca of ['kubernetes', 'etcd'] as const) {
    const [client, probe] = [clients[ca], probes[ca]];
    const identity = client && (await readClient(client, hands));
    const fresh = servedCa(served, ca);
    if (!client || !probe || !identity || !fresh) continue;
    means[ca] = { served: fresh, trusted: await trustedIn(client.ca, hands), own: identity, probe };
  }
  const seen = await Promise.all(
    known.map(async (peer): Promise<[KnownPeer, Peer]> => [
      peer,
      asPeer(peer, listed.nodes, await seePeer(peer, means, hands, abort)),
    ]),
  );
  const peers = seen.filter(([, peer]) => peer.seen ?? peer.isReady !== undefined);

  const course = record.course?.cas === cas ? record.course : { cas, since: clock.now() };
  // Under other CAs nothing of what was said before holds.
  const kept = { ...record, peers: peers.map(([one]) => one), ...(own.trustsServed && { course }) };
  if (JSON.stringify(kept) !== JSON.stringify(record)) await writeRotation(kept, hands);
  return {
    members: listed.members,
    peers: known,
    view: {
      own,
      api: reached.api,
      peers: peers.map(([, peer]) => peer),
      course: { since: course.since, finishNow: orders.finish === cas, heldUntil: orders.heldUntil },
      now: clock.now(),
      withinMs: config.rotation.retire_within * 1000,
    },
  };
}

/** The API servers that this node may ask: its own first. */
export const apisOf = (
  node: Node,
  units: readonly UnitPlan[],
  peers: readonly KnownPeer[],
): { host: string; port: number }[] => [
  ...firstApisOf(node, units),
  ...peers.flatMap(({ ports }) => ports.filter(({ path }) => path === '/api')),
];

const trustedIn = async (path: string, { disk }: Pick<Hands, 'disk'>): Promise<X509Certificate[]> =>
  certificatesIn((await readText(disk, path)) ?? '', path);

/** By which names and addresses this node finds itself among others. */
export const namesOf = ({ values }: Pick<Node, 'values'>): ReadonlySet<string> =>
  new Set(['INSTANCE_NAME', 'HOSTNAME', 'KUBE_NODE_IP'].flatMap((key) => values.get(key) || []));

const hostOf = ({ ports, name }: KnownPeer): string => ports[0]?.host ?? name;

const together = (before: readonly KnownPeer[], now: readonly KnownPeer[]): KnownPeer[] => {
  const hosts = new Set(now.map(hostOf));
  return [...now, ...before.filter((one) => !hosts.has(hostOf(one)))];
};

function asPeer({ name, isMaster }: KnownPeer, nodes: readonly NodeObject[], seen: Peer['seen']): Peer {
  const node = nodes.find((one) => one.name === name);
  return {
    name,
    isMaster,
    isReady: node?.isReady,
    isStepping: node?.annotations[STEP] !== undefined,
    seen,
  };
}
