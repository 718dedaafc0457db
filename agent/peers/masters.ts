import { hostOf } from '../../src/base/address.ts';
import type { Handshake } from '../../src/services/peer-port.ts';
import { allSettled } from '../../src/base/all-settled.ts';
import { codeOf } from '../../src/base/errors.ts';
import type { EtcdMember } from '../../src/services/etcd-members.ts';
import type { Hands } from '../hands.ts';
import { type Client, type Clients, clientsOf, readClient } from './clients.ts';
import type { KnownPeer } from '../phases/record.ts';
import type { TurnPlace } from './turn.ts';
import type { OtherMaster } from '../phases/turn.ts';
import { apisOf, type Known, type Place } from './known.ts';
import { namesOf } from '../node.ts';
import { STEP } from './announce.ts';
import { handOver } from './hand-over.ts';
import { watchMasters } from './watch-masters.ts';

/** The masters with which this node takes turns. */
export type Masters = {
  place: TurnPlace;
  others: OtherMaster[];
  /**
   * Every other master that answers rejects this node. No other master uses its units, so restarting them needs
   * no turn.
   */
  isCutOff: boolean;
};

/** Returns where this node writes its turn. Undefined on a worker and on a single master, which take no turns. */
export function turnPlaceOf({ members, peers }: Known, { node, units }: Place): TurnPlace | undefined {
  const own = members.find((member) => isOf(node, member));
  const { kubernetes, etcd } = clientsOf(node);
  if (!own || !kubernetes || !etcd || members.length < 2) return undefined;
  return { own: own.name, apis: apisOf(node, units, peers), client: kubernetes };
}

/**
 * Returns the other members of etcd and their health. A member is healthy if it confirms to a client that etcd has a
 * quorum.
 */
export async function mastersOf(
  known: Known,
  at: Place,
  hands: Hands,
  abort: AbortSignal,
): Promise<Masters | undefined> {
  const place = turnPlaceOf(known, at);
  const clients = clientsOf(at.node);
  const { etcd } = clients;
  if (!place || !etcd) return undefined;
  const members = known.members.filter((member) => !isOf(at.node, member));
  const look = async (stop: AbortSignal): Promise<{ presence: Presence; other: OtherMaster }[]> =>
    await Promise.all(
      members.map(async (member) => {
        const presence = await presenceOf(member, known, clients, hands, stop);
        return { presence, other: await stateOf(member, presence, etcd, hands, stop) };
      }),
    );
  const seen = await look(abort);
  const others = seen.map(({ other }) => other);
  const answering = seen.filter(({ presence }) => presence.answers);
  const isCutOff =
    answering.length > 0 &&
    answering.every(({ presence }) => presence.refuses) &&
    others.every(({ is }) => is !== 'well');
  const own = known.members.find((member) => isOf(at.node, member));
  const unit = at.node.layout.units.find((row) => row.unit === 'etcd')?.unit;
  let wellNow = wellIn(others);
  const watch = watchMasters(async (stop) => {
    wellNow = wellIn((await look(stop)).map(({ other }) => other));
    return wellIn(others).filter((name) => !wellNow.includes(name));
  }, hands);
  const run = async (stop: AbortSignal): Promise<void> => {
    await handOver(own?.client, wellNow, etcd, hands, stop);
  };
  return {
    place: { ...place, watch, ...(unit !== undefined && { handOver: { unit, run } }) },
    others,
    isCutOff,
  };
}

const wellIn = (others: readonly OtherMaster[]): string[] =>
  others.filter(({ is }) => is === 'well').map(({ name }) => name);

const isOf = (node: Place['node'], member: EtcdMember): boolean => {
  const names = namesOf(node);
  return names.has(member.name) || names.has(peerHostOf(member) ?? '');
};

const peerHostOf = ({ peer }: EtcdMember): string | undefined => {
  const url = URL.parse(peer ?? '');
  return url ? hostOf(url) : undefined;
};

/** `refuses`: none of its ports accepts this node's certificate. */
type Presence = { answers: boolean; refuses: boolean; isReady: boolean; isStepping: boolean };

async function presenceOf(
  member: EtcdMember,
  { peers, nodes }: Known,
  clients: Clients,
  hands: Hands,
  abort: AbortSignal,
): Promise<Presence> {
  const peer = peers.find(({ ports }) => ports.some(({ host }) => host === peerHostOf(member)));
  const node = nodes.find(({ name }) => name === peer?.name);
  const handshakes = peer ? await handshakesWith(peer, clients, hands, abort) : [];
  return {
    answers: handshakes.length > 0,
    refuses: handshakes.length > 0 && handshakes.every(({ accepts }) => accepts === 'no'),
    isReady: node?.isReady === true,
    isStepping: node?.annotations[STEP] !== undefined,
  };
}

/** Returns the handshakes of its ports that present any certificate. */
async function handshakesWith(
  { ports }: KnownPeer,
  clients: Clients,
  hands: Hands,
  abort: AbortSignal,
): Promise<Handshake[]> {
  const seen: Handshake[] = [];
  await allSettled(ports, async (port) => {
    const client = clients[port.ca];
    const identity = client && (await readClient(client, hands));
    const handshake = identity && (await hands.askPeer(port, identity, abort));
    if (handshake) seen.push(handshake);
  });
  return seen;
}

async function stateOf(
  { name, client: url }: EtcdMember,
  { answers: isThere, isReady, isStepping }: Presence,
  client: Client,
  hands: Hands,
  abort: AbortSignal,
): Promise<OtherMaster> {
  if (!isThere && !isReady) return { name, is: 'gone', isStepping };
  const identity = await readClient(client, hands);
  try {
    if (url !== undefined) await hands.askHealth(new URL('/health', url).href, identity, abort);
    return { name, is: url === undefined || !isThere ? 'unwell' : 'well', isStepping };
  } catch (error) {
    if (codeOf(error) !== 'not-yet') throw error;
    return { name, is: 'unwell', isStepping };
  }
}
