import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { look } from '../../../agent/peers/look.ts';
import { wordFor } from '../../../agent/peers/own-state.ts';
import { PROBES } from '../../../agent/peers/probes.ts';
import type { Cluster } from '../../../agent/hands.ts';
import { type KnownPeer, readRotation, writeOrders, writeRotation } from '../../../agent/phases/record.ts';
import { writeRecord } from '../../../src/base/record.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER } from '../../src/support/clock.ts';
import { testHands } from '../support/hands.ts';
import { caOf, newGeneration, nodeOf, servedOf, writeCertificates } from '../support/node.ts';
import { etcdOf, networkOf } from '../support/network.ts';

const [former, served] = [newGeneration(), newGeneration()];
const node = nodeOf('master');
const SERVED = servedOf(node, served);
const CAS = wordFor(SERVED);
const OWN = { isMaster: true, trustsServed: true, trustsFormer: true, presentsServed: false };

const nothing = async (): Promise<never> => await Promise.reject(new Error('Magnum is not asked'));
const CLUSTER: Cluster = {
  roles: nothing,
  user: nothing,
  seeRegion: nothing,
  readCa: nothing,
  sign: nothing,
};

const identityOf = (generation = served) => {
  const { cert: certificate, key } = caOf(generation, 'kubernetes').issue([['CN', 'admin']]);
  return { certificate, key };
};

/**
 * Makes the master m0 at 10.0.0.5 after "trust"; the ports of the peers in `answers` answer like nodes after "trust".
 */
async function setUp({ hasApi = true, answers = [] as readonly string[] } = {}) {
  const api = createKubernetes();
  const addNode = (name: string, address: string, step?: string): void => {
    api.core.put('nodes', '', name, {
      metadata: {
        labels: { 'magnum.openstack.org/role': 'master' },
        annotations: step === undefined ? {} : { 'coe-agent/step': step },
      },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address }],
      },
    });
  };
  const presents = caOf(former, 'kubernetes').issue([['CN', 'peer']]).cert;
  const member = caOf(former, 'etcd').issue([['CN', 'etcd']]).cert;
  const etcd = { presents: member, ask: etcdOf(1) };
  const servers = { '127.0.0.1:6443': { presents, ask: api.askAs('system:masters') } };
  const test = await testHands({
    ...networkOf(hasApi ? { ...servers, '10.0.0.5:2380': etcd } : {}),
    askPeer: async ({ host }) =>
      await Promise.resolve(
        answers.includes(host) ? { presents: new X509Certificate(presents), accepts: 'yes' } : undefined,
      ),
  });
  await writeCertificates(node, test, former, [former, served]);
  await test.write('/etc/etcd/etcd.conf.yaml', 'listen-peer-urls: "https://10.0.0.5:2380"\n');
  const probes = { version: 1, cas: CAS, kubernetes: identityOf(), etcd: identityOf() };
  await writeRecord(test.disk, PROBES, probes);
  const probe = { host: '127.0.0.1', port: 6443, file: '/x' };
  const units = [{ name: 'kube-apiserver', required: true, deadlineMs: 1, settleMs: 1, probe }];
  const see = async (own = OWN) => await look(own, SERVED, { node, units }, CLUSTER, test.hands, NEVER);
  return { ...test, addNode, see };
}

const peerAt = (name: string, host: string): KnownPeer => ({
  name,
  isMaster: true,
  ports: [{ host, port: 10_250, path: '/healthz', ca: 'kubernetes' }],
});
const AFTER_TRUST = { presents: 'former', acceptsServed: true, acceptsOwn: true };

test('finds the peers that the API lists, asks them and keeps them', async () => {
  const { addNode, see, hands } = await setUp({ answers: ['10.0.0.6'] });
  addNode('m0', '10.0.0.5');
  addNode('m1', '10.0.0.6', 'reissue');
  addNode('m2', '10.0.0.7');
  const { view, known } = await see();
  expect(view).toMatchObject({
    own: OWN,
    api: 'answers',
    peers: [
      { name: 'm1', isMaster: true, isReady: true, isStepping: true, seen: AFTER_TRUST },
      { name: 'm2', isMaster: true, isReady: true, isStepping: false, seen: undefined },
    ],
  });
  expect(known.members.map(({ name }) => name)).toEqual(['m0']);
  expect((await readRotation(hands)).peers.map(({ name }) => name)).toEqual(['m1', 'm2']);
});

test('asks known peers while no API server answers, and forgets those that do not answer', async () => {
  const { see, hands } = await setUp({ hasApi: false, answers: ['10.0.0.6'] });
  const peers = [peerAt('m1', '10.0.0.6'), peerAt('m2', '10.0.0.7')];
  await writeRotation({ version: 1, peers }, hands);
  const { view } = await see();
  expect(view.api).toBe('silent');
  expect(view.peers).toEqual([
    { name: 'm1', isMaster: true, isReady: undefined, isStepping: false, seen: AFTER_TRUST },
  ]);
  expect((await readRotation(hands)).peers).toEqual([peerAt('m1', '10.0.0.6')]);
});

test('counts the time of the served CAs from the first look at which the node trusts them', async () => {
  const { see, hands, clock } = await setUp();
  await see({ ...OWN, trustsServed: false });
  expect((await readRotation(hands)).course).toBeUndefined();
  clock.advance(1000);
  const since = clock.now();
  await see();
  clock.advance(1000);
  expect((await see()).view).toMatchObject({ course: { since }, now: since + 1000 });
  await writeRotation({ version: 1, peers: [], course: { cas: 'others', since } }, hands);
  expect((await see()).view.course.since).toBe(since + 1000);
});

test("follows an operator's order for these CAs only", async () => {
  const { see, hands } = await setUp();
  await writeOrders({ version: 1, finish: CAS, heldUntil: 7 }, hands);
  expect((await see()).view.course).toMatchObject({ finishNow: true, heldUntil: 7 });
  await writeOrders({ version: 1, finish: 'others' }, hands);
  expect((await see()).view.course).toMatchObject({ finishNow: false, heldUntil: undefined });
});
