import { createKubernetes, type Kubernetes } from '../../fakes/kubernetes.ts';
import { advance, type Advanced, type AdvanceMemory, newAdvanceMemory } from '../../../agent/advance.ts';
import { readNode } from '../../../agent/node.ts';
import type { Cloud } from '../../cloud/cloud.ts';
import type { Cluster } from '../../cloud/cluster.ts';
import { NEVER } from '../../src/support/clock.ts';
import { createSite, type Role, type Site } from './site.ts';

/** One node of a fleet, with the memory of its daemon. */
export type Member = {
  name: string;
  role: Role;
  address: string;
  site: Site;
  memory: AdvanceMemory;
  isOff: boolean;
};

/** Nodes of one cluster, each with its own agent and units, with one Kubernetes and one etcd. */
export type Fleet = {
  cluster: Cluster;
  kubernetes: Kubernetes;
  members: readonly Member[];
  /** Runs a look of the daemon on one node. */
  look(member: Member): Promise<Advanced>;
  /** Switches a worker off: none of its ports answers, and Kubernetes has noticed. */
  switchOff(member: Member): void;
  switchOn(member: Member): void;
  /** Makes the last worker, as Magnum makes it now. Its kubelet registers its Node with `switchOn`. */
  join(): Promise<Member>;
};

let fleets = 0;

/** @param late the number of further workers that `join` later */
export async function createFleet(cloud: Cloud, masters: number, workers: number, late = 0): Promise<Fleet> {
  fleets += 1;
  const names = [
    ...Array.from({ length: masters }, (_, index) => ['master', `master-${index}`] as const),
    ...Array.from({ length: workers + late }, (_, index) => ['worker', `worker-${index}`] as const),
  ];
  const cluster = await cloud.createCluster({
    name: `fleet${fleets}`,
    keys: 'ec',
    servers: names.map(([role, name]) => ({ name, role })),
  });
  const kubernetes = createKubernetes();
  const members: Member[] = [];
  const add = async (): Promise<Member> => {
    const index = members.length;
    const [role, name] = names[index] ?? ['worker', ''];
    const address = `127.0.${fleets}.${index + 10}`;
    const first = members[0];
    const site = await createSite(cloud, {
      role,
      isStock: true,
      of: { cluster, server: name },
      params: {
        INSTANCE_NAME: name,
        KUBE_NODE_IP: address,
        ...(role === 'worker' &&
          first && {
            KUBE_MASTER_IP: first.address,
            KUBE_API_PORT: String(first.site.node.units.port('kube-apiserver')),
          }),
      },
    });
    await site.node.write('/etc/hostname', `${name}\n`, 0o644);
    const member = { name, role, address, site, memory: newAdvanceMemory(), isOff: false };
    members.push(member);
    return member;
  };
  while (members.length < masters + workers) await add();
  await connect(members, kubernetes);

  return {
    cluster,
    kubernetes,
    members,
    look: async (member) => {
      const hands = await member.site.start();
      return await advance(member.memory, await readNode(hands), hands, NEVER);
    },
    switchOff: (member) => {
      member.isOff = true;
      member.site.node.units.mute(true);
      putNode(kubernetes, member);
    },
    switchOn: (member) => {
      member.isOff = false;
      member.memory = newAdvanceMemory();
      member.site.node.units.mute(false);
      putNode(kubernetes, member);
    },
    join: add,
  };
}

/** Puts one API behind every kube-apiserver, and one member list behind every etcd. */
async function connect(members: readonly Member[], kubernetes: Kubernetes): Promise<void> {
  const masters = members.filter(({ role }) => role === 'master');
  const etcd = masters.map(({ name, address, site }, index) => {
    const url = `https://${address}:${site.node.units.port('etcd')}`;
    return { id: index + 1, name, peerURLs: [url], clientURLs: [url] };
  });
  const subsets = masters.map(({ address, site }) => ({
    addresses: [{ ip: address }],
    ports: [{ port: site.node.units.port('kube-apiserver') }],
  }));
  kubernetes.core.put('endpoints', 'default', 'kubernetes', { subsets });
  for (const member of members) putNode(kubernetes, member);
  for (const [index, { name, site }] of masters.entries()) {
    const { units, write } = site.node;
    units.serve('kube-apiserver', kubernetes.listener);
    units.serve('etcd', (request, response) => {
      const body = request.url === '/members' ? etcd : { health: 'true' };
      response.writeHead(200, { connection: 'close' }).end(JSON.stringify(body));
    });
    const [url = ''] = etcd[index]?.peerURLs ?? [];
    await write(
      '/etc/etcd/etcd.conf.yaml',
      `name: "${name}"\nlisten-peer-urls: "${url}"\nlisten-client-urls: "${url},http://127.0.0.1:2379"\n`,
    );
  }
}

function putNode({ core }: Kubernetes, { name, role, address, site, isOff }: Member): void {
  core.put('nodes', '', name, {
    metadata: { labels: { 'magnum.openstack.org/role': role } },
    status: {
      conditions: [{ type: 'Ready', status: isOff ? 'Unknown' : 'True' }],
      addresses: [{ type: 'InternalIP', address }],
      daemonEndpoints: { kubeletEndpoint: { Port: site.node.units.port('kubelet') } },
    },
  });
}
