import type { EtcdMember } from '../../src/services/etcd-members.ts';
import type { NodeObject } from '../../src/services/node-annotations.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { Hands } from '../hands.ts';
import { namesOf, type Node } from '../node.ts';
import type { ApiState } from '../phases/decide.ts';
import { type KnownPeer, readRotation } from '../phases/record.ts';
import { unitsOf } from '../plan/units.ts';
import { clientsOf } from './clients.ts';
import { listMembers, listNodes, peersIn } from './find-peers.ts';
import { type Address, firstApisOf, withAnyApi } from './reach-api.ts';

/** This node and its units, from which it contacts its peers. */
export type Place = { node: Node; units: readonly UnitPlan[] };

export const placeOf = async (node: Node, hands: Hands, abort: AbortSignal): Promise<Place> => ({
  node,
  units: await unitsOf(node, hands, abort),
});

/** The peers of a node, and the data of the Kubernetes API and etcd about them. */
export type Known = {
  api: ApiState;
  nodes: readonly NodeObject[];
  members: readonly EtcdMember[];
  peers: readonly KnownPeer[];
};

/**
 * Finds the peers of this node: those in the lists of the API and etcd, and those in root's record. Does not ask
 * Magnum.
 */
export async function findKnown(place: Place, hands: Hands, abort: AbortSignal): Promise<Known> {
  const { node, units } = place;
  const isMaster = node.role === 'master';
  const { peers: before } = await readRotation(hands);
  const { kubernetes } = clientsOf(node);
  const apis = apisOf(node, units, before);
  const reached = kubernetes
    ? await withAnyApi(
        apis,
        kubernetes,
        hands,
        abort,
        async (ask) => await listNodes(ask, node, hands, abort),
      )
    : ({ api: 'silent' } as const);
  const listed =
    reached.api === 'answers'
      ? reached.value
      : { nodes: [], apis: [], members: isMaster ? await listMembers(node, hands, abort) : [] };
  const all = { ...listed, apis: [...listed.apis, ...(isMaster ? [] : apis)] };
  return {
    api: reached.api,
    nodes: listed.nodes,
    members: listed.members,
    peers: together(before, peersIn(all, isMaster, namesOf(node))),
  };
}

/** Lists the API servers that this node may ask, its own first. */
export const apisOf = (
  node: Node,
  units: readonly UnitPlan[],
  peers: readonly KnownPeer[],
): readonly Address[] => [
  ...firstApisOf(node, units),
  ...peers.flatMap(({ ports }) => ports.filter(({ path }) => path === '/api')),
];

const hostOf = ({ ports, name }: KnownPeer): string => ports[0]?.host ?? name;

const together = (before: readonly KnownPeer[], now: readonly KnownPeer[]): KnownPeer[] => {
  const hosts = new Set(now.map(hostOf));
  return [...now, ...before.filter((one) => !hosts.has(hostOf(one)))];
};
