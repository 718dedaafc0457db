import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Hands } from '../../../agent/hands.ts';
import { placeOf } from '../../../agent/peers/known.ts';
import { whenTurnIsFree } from '../../../agent/peers/spare-turn.ts';
import { newTurnMemory } from '../../../agent/peers/turn.ts';
import { writeOrders, writeRotation } from '../../../agent/phases/record.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { at } from '../../cloud/exchange.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { LEASE } from '../../fakes/kubernetes-lease.ts';
import { NEVER } from '../../src/support/clock.ts';
import { jsonObject } from '../../src/support/fixtures.ts';
import { testHands } from '../support/hands.ts';
import { etcdOf, networkOf } from '../support/network.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const cas = newGeneration();
const master = nodeOf('master');

/** Makes one of `masters` masters. */
async function setUp({
  masters = 3,
  phase = 'auto',
  etcdDown = false,
}: { masters?: number; phase?: 'auto' | 'all'; etcdDown?: boolean } = {}) {
  const api = createKubernetes();
  const presents = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
  const etcd = { presents: caOf(cas, 'etcd').issue([['CN', 'etcd']]).cert, ask: etcdOf(masters) };
  const made = await testHands({
    ...networkOf({
      '127.0.0.1:6443': { presents, ask: api.askAs('system:masters') },
      ...(!etcdDown && { '10.0.0.5:2380': etcd }),
    }),
    askPeer: async () => await Promise.resolve({ presents: new X509Certificate(presents), accepts: 'yes' }),
    askHealth: async () => {
      await Promise.resolve();
    },
    openCluster: async () => await Promise.reject(new AgentError('cloud-unreachable', 'away')),
  });
  await writeCertificates(master, made, cas);
  await made.write('/etc/etcd/etcd.conf.yaml', 'listen-peer-urls: "https://10.0.0.5:2380"\n');
  const hands: Hands = {
    ...made.hands,
    config: { ...made.hands.config, rotation: { ...made.hands.config.rotation, phase } },
  };
  const memory = newTurnMemory();
  const holders = (): unknown[] =>
    api.asked
      .filter(({ method, path }) => method !== 'GET' && path.includes(LEASE.kind))
      .map(({ body }) => at(at(jsonObject(body), 'spec'), 'holderIdentity'));
  let ran = 0;
  const attempt = async (node = master): Promise<string | undefined> => {
    const place = await placeOf(node, hands, NEVER);
    return await whenTurnIsFree(place, memory, hands, NEVER, async (beforeRestart) => {
      await beforeRestart?.('kubelet', 'all are well');
      ran += 1;
    });
  };
  return { ...made, hands, attempt, holders, ran: () => ran };
}

test("runs in a master's turn, and gives it back", async () => {
  const { attempt, holders, ran } = await setUp();
  expect(await attempt()).toBeUndefined();
  expect(ran()).toBe(1);
  expect(holders()).toEqual(['m0', 'm0', '']);
});

test('does not wait while another master has the turn', async () => {
  const { hands, attempt, ran, clock } = await setUp();
  const { takeTurn } = await import('../../../agent/peers/turn.ts');
  const { apisOf } = await import('../../../agent/peers/known.ts');
  const { clientsOf } = await import('../../../agent/peers/clients.ts');
  const { kubernetes: client } = clientsOf(master);
  if (!client) throw new Error('a master has a client');
  const { units } = await placeOf(master, hands, NEVER);
  const other = { own: 'm1', apis: apisOf(master, units, []), client };
  expect(await takeTurn(other, [], newTurnMemory(), hands, NEVER)).toEqual({ is: 'free' });
  const before = clock.elapsed();
  expect(await attempt()).toBe('held');
  expect([ran(), clock.elapsed()]).toEqual([0, before]);
});

test("runs nothing on a master during an operator's hold", async () => {
  const { hands, attempt, ran, clock } = await setUp();
  await writeOrders({ version: 1, heldUntil: clock.now() + 1000 }, hands);
  expect(await attempt()).toBe('held');
  clock.advance(1000);
  expect(await attempt()).toBeUndefined();
  expect(ran()).toBe(1);
});

test('runs nothing while its own etcd does not name the other masters', async () => {
  const { hands, attempt, ran } = await setUp({ etcdDown: true });
  await writeRotation({ version: 1, peers: [{ name: 'm1', isMaster: true, ports: [] }] }, hands);
  expect(await attempt()).toBe('unwell');
  expect(ran()).toBe(0);
});

test.each([
  ['a single master', { masters: 1 }],
  ['a master without automatic rotations', { phase: 'all' as const }],
])('%s takes no turn', async (_, circumstances) => {
  const { attempt, holders, ran } = await setUp(circumstances);
  expect(await attempt()).toBeUndefined();
  expect([ran(), holders()]).toEqual([1, []]);
});

test('a worker takes no turn, also during a hold', async () => {
  const { hands, attempt, holders, ran, clock } = await setUp();
  await writeOrders({ version: 1, heldUntil: clock.now() + 1000 }, hands);
  expect(await attempt(nodeOf('worker'))).toBeUndefined();
  expect([ran(), holders()]).toEqual([1, []]);
});
