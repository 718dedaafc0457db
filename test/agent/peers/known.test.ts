import { expect, test } from 'vitest';
import { apisOf, findKnown, placeOf } from '../../../agent/peers/known.ts';
import { type KnownPeer, writeRotation } from '../../../agent/phases/record.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER } from '../../src/support/clock.ts';
import { testHands } from '../support/hands.ts';
import { etcdOf, networkOf } from '../support/network.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const cas = newGeneration();
const master = nodeOf('master');
const worker = nodeOf('worker', { KUBE_MASTER_IP: '10.0.0.9' });
const API = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
const ETCD = caOf(cas, 'etcd').issue([['CN', 'etcd']]).cert;

const peerAt = (host: string, over: Partial<KnownPeer> = {}): KnownPeer => ({
  name: host,
  isMaster: true,
  ports: [{ host, port: 6443, path: '/api', ca: 'kubernetes' }],
  ...over,
});

/** Makes a node of a cluster of `members` masters. */
async function setUp({ node = master, isAway = false, hasEtcd = true, members = 2 } = {}) {
  const api = createKubernetes();
  const ask =
    node === master ? api.askAs('system:masters') : api.askAs('system:nodes', 'system:node:k1-node-0');
  const host = node === master ? '127.0.0.1' : '10.0.0.9';
  const test = await testHands(
    networkOf({
      ...(!isAway && { [`${host}:6443`]: { presents: API, ask } }),
      ...(hasEtcd && { '10.0.0.5:2380': { presents: ETCD, ask: etcdOf(members) } }),
    }),
  );
  await writeCertificates(node, test, cas);
  await test.write('/etc/etcd/etcd.conf.yaml', 'listen-peer-urls: "https://10.0.0.5:2380"\n');
  return {
    ...test,
    api,
    known: async () => await findKnown(await placeOf(node, test.hands, NEVER), test.hands, NEVER),
  };
}

test('a master finds the other nodes in the lists of its API and its etcd, without itself', async () => {
  const { api, known } = await setUp();
  for (const [name, address] of [
    ['k1-node-0', '10.0.0.5'],
    ['w0', '10.0.0.20'],
  ] as const)
    api.core.put('nodes', '', name, { status: { addresses: [{ type: 'InternalIP', address }] } });
  const { api: state, nodes, members, peers } = await known();
  expect(state).toBe('answers');
  expect(nodes.map(({ name }) => name)).toEqual(['k1-node-0', 'w0']);
  expect(members.map(({ name }) => name)).toEqual(['m0', 'm1']);
  expect(peers.map(({ name, ports }) => [name, ports.map(({ host, path }) => `${host}${path}`)])).toEqual([
    ['w0', ['10.0.0.20/healthz']],
    ['m1', ['10.0.0.6/members']],
  ]);
});

test('a master without an API still knows the members of etcd', async () => {
  const { known } = await setUp({ isAway: true });
  expect(await known()).toMatchObject({
    api: 'silent',
    nodes: [],
    members: [{ name: 'm0' }, { name: 'm1' }],
    peers: [{ name: 'm1', isMaster: true }],
  });
});

test('adds the peers of its record that the lists no longer name, and describes the others anew', async () => {
  const { hands, known } = await setUp();
  const off = peerAt('10.0.0.7', { name: 'm2' });
  const peers = [peerAt('10.0.0.6', { name: 'former name', isMaster: false }), off];
  await writeRotation({ version: 1, peers }, hands);
  expect((await known()).peers).toMatchObject([
    { name: 'm1', isMaster: true, ports: [{ path: '/members' }] },
    off,
  ]);
});

test('a worker knows the API server that its kubelet uses, and asks no etcd', async () => {
  for (const isAway of [false, true]) {
    const { known, hands } = await setUp({ node: worker, isAway });
    const { api, nodes, members, peers } = await known();
    expect([api, nodes, members]).toEqual([isAway ? 'silent' : 'answers', [], []]);
    expect(peers).toEqual([peerAt('10.0.0.9')]);
    expect(hands.config.heat_params).toBeDefined();
  }
});

test('asks its own API server first, then those of other masters', () => {
  const other = peerAt('10.0.0.6');
  const etcd = { host: '10.0.0.6', port: 2380, path: '/members', ca: 'etcd' } as const;
  const peers = [{ ...other, ports: [etcd, ...other.ports] }];
  expect(apisOf(worker, [], peers).map(({ host, port }) => `${host}:${port}`)).toEqual([
    '10.0.0.9:6443',
    '10.0.0.6:6443',
  ]);
});
