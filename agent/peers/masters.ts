import { codeOf } from '../../src/base/errors.ts';
import type { EtcdMember } from '../../src/services/etcd-members.ts';
import type { Hands } from '../hands.ts';
import { type Client, clientsOf, readClient } from './clients.ts';
import type { KnownPeer } from '../phases/record.ts';
import type { TurnPlace } from './turn.ts';
import type { Peer } from '../phases/decide.ts';
import type { OtherMaster } from '../phases/turn.ts';
import { apisOf, type Look, namesOf, type Place } from './look.ts';

/** With whom this node takes turns. */
export type Masters = { place: TurnPlace; others: OtherMaster[] };

/**
 * The other members of etcd, and whether each is well: it answers a client that etcd is in quorum.
 *
 * @returns undefined where nobody takes turns: on a worker, and on the only master
 */
export async function mastersOf(
  { members, peers, view }: Look,
  { node, units }: Pick<Place, 'node' | 'units'>,
  hands: Hands,
  abort: AbortSignal,
): Promise<Masters | undefined> {
  const names = namesOf(node);
  const isOwn = (member: EtcdMember): boolean => names.has(member.name) || names.has(hostOf(member) ?? '');
  const own = members.find(isOwn);
  const { kubernetes, etcd } = clientsOf(node);
  if (!own || !kubernetes || !etcd || members.length < 2) return undefined;
  const others = members.filter((member) => !isOwn(member));
  return {
    place: { own: own.name, apis: apisOf(node, units, peers), client: kubernetes },
    others: await Promise.all(
      others.map(
        async (member) => await stateOf(member, peerOf(member, peers, view.peers), etcd, hands, abort),
      ),
    ),
  };
}

const hostOf = ({ peer }: EtcdMember): string | undefined =>
  URL.parse(peer ?? '')?.hostname.replace(/^\[(.*)\]$/, '$1');

function peerOf(member: EtcdMember, known: readonly KnownPeer[], peers: readonly Peer[]): Peer | undefined {
  const at = known.find(({ ports }) => ports.some(({ host }) => host === hostOf(member)));
  return peers.find(({ name }) => name === at?.name);
}

async function stateOf(
  { name, client: url }: EtcdMember,
  peer: Peer | undefined,
  client: Client,
  hands: Hands,
  abort: AbortSignal,
): Promise<OtherMaster> {
  const isStepping = peer?.isStepping ?? false;
  if (!peer?.seen && peer?.isReady !== true) return { name, is: 'gone', isStepping };
  const identity = await readClient(client, hands);
  try {
    if (url !== undefined) await hands.askHealth(new URL('/health', url).href, identity, abort);
    return { name, is: url === undefined || !peer.seen ? 'unwell' : 'well', isStepping };
  } catch (error) {
    if (codeOf(error) !== 'not-yet') throw error;
    return { name, is: 'unwell', isStepping };
  }
}
