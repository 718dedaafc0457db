import type { X509Certificate } from 'node:crypto';
import { readText } from '../../src/base/disk.ts';
import { certificatesIn } from '../../src/certificates/read.ts';
import type { NodeObject } from '../../src/services/node-annotations.ts';
import type { Cluster, Hands } from '../hands.ts';
import { issueHands } from '../rotation/issue-hands.ts';
import { readServedCas, servedCa, type ServedCas } from '../rotation/served-cas.ts';
import { STEP } from './announce.ts';
import { clientsOf, type PeerCa, readClient } from './clients.ts';
import { findKnown, type Known, type Place } from './known.ts';
import { type KnownPeer, readOrders, readRotation, writeRotation } from '../phases/record.ts';
import { oldCaSeen } from '../phases/old-ca.ts';
import { type Means, seePeer } from './see-peer.ts';
import { nextTokenKey, refusesTokenKey } from './see-token-key.ts';
import type { Own, Peer, Seen, View } from '../phases/decide.ts';
import { ownState, wordFor } from './own-state.ts';
import { probesFor } from './probes.ts';

/** The input of `decide`, the known peers, and the CAs that Magnum serves. */
export type Look = { view: View; known: Known; served: ServedCas };

/** Compares this node and its peers with the CAs that Magnum serves now. @throws errors that prevent asking Magnum */
export async function lookAround(
  place: Place,
  cluster: Cluster,
  hands: Hands,
  abort: AbortSignal,
): Promise<Look> {
  const { node } = place;
  const asked = { authorities: node.layout.authorities, requests: [] };
  const served = await readServedCas(node, issueHands(cluster, undefined, hands, asked), hands);
  return await look(await ownState(served, node, hands), served, place, cluster, hands, abort);
}

/**
 * Finds the peers of this node and connects to each. Records them in a file that only root can change. A peer is
 * removed when the API does not list it and it does not answer.
 */
export async function look(
  own: Own,
  served: ServedCas,
  place: Place,
  cluster: Cluster,
  hands: Hands,
  abort: AbortSignal,
): Promise<Look> {
  const { clock, config } = hands;
  const { node } = place;
  const known = await findKnown(place, hands, abort);
  const record = await readRotation(hands);
  const orders = await readOrders(hands);
  const clients = clientsOf(node);

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
  const tokenKey = own.isMaster ? await nextTokenKey(node, hands) : undefined;
  const seeTokenKey = async (peer: KnownPeer): Promise<Pick<Seen, 'refusesTokenKey'>> =>
    tokenKey !== undefined &&
    clients.kubernetes &&
    (await refusesTokenKey(tokenKey, peer, clients.kubernetes, hands, abort))
      ? { refusesTokenKey: true }
      : {};
  const seen = await Promise.all(
    known.peers.map(async (peer): Promise<[KnownPeer, Peer]> => {
      const shown = await seePeer(peer, means, hands, abort);
      return [peer, asPeer(peer, known.nodes, shown && { ...shown, ...(await seeTokenKey(peer)) })];
    }),
  );
  const peers = seen.filter(([, peer]) => peer.seen ?? peer.isReady !== undefined);

  const course = record.course?.cas === cas ? record.course : { cas, since: clock.now() };
  // With other CAs, all earlier orders and observations are obsolete.
  const oldCa = oldCaSeen(own, cas, record, clock.now());
  const kept = {
    ...record,
    peers: peers.map(([one]) => one),
    ...(own.trustsServed && { course }),
    ...(oldCa && { oldCa }),
  };
  if (oldCa?.endedAt !== undefined && oldCa.endedAt !== record.oldCa?.endedAt) hands.log('old-ca-ended', {});
  if (JSON.stringify(kept) !== JSON.stringify(record)) await writeRotation(kept, hands);
  return {
    known,
    served,
    view: {
      own,
      api: known.api,
      peers: peers.map(([, peer]) => peer),
      course: { since: course.since, finishNow: orders.finish === cas, heldUntil: orders.heldUntil },
      now: clock.now(),
      withinMs: config.rotation.retire_within * 1000,
    },
  };
}

const trustedIn = async (path: string, { disk }: Pick<Hands, 'disk'>): Promise<X509Certificate[]> =>
  certificatesIn((await readText(disk, path)) ?? '', path);

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
