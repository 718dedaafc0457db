import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Hands } from '../../../agent/hands.ts';
import { inTurn } from '../../../agent/peers/in-turn.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { at } from '../../cloud/exchange.ts';
import { LEASE } from '../../fakes/kubernetes-lease.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { jsonObject } from '../../src/support/fixtures.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { testHands } from '../support/hands.ts';
import { etcdOf, networkOf } from '../support/network.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const cas = newGeneration();
const node = nodeOf('master');
const OWN = 'k1-node-0';

/** Makes the master at 10.0.0.5 of `masters`, without a reachable OpenStack. */
async function setUp({
  masters = 3,
  phase = 'auto',
  ill = false,
}: { masters?: number; phase?: 'auto' | 'all'; ill?: boolean } = {}) {
  const api = createKubernetes();
  api.core.put('nodes', '', OWN, { metadata: { annotations: {} } });
  const presents = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
  const network = networkOf({
    '127.0.0.1:6443': { presents, ask: api.askAs('system:masters') },
    '10.0.0.5:2380': { presents: caOf(cas, 'etcd').issue([['CN', 'etcd']]).cert, ask: etcdOf(masters) },
  });
  const test = await testHands({
    ...network,
    askPeer: async () => await Promise.resolve({ presents: new X509Certificate(presents), accepts: 'yes' }),
    askHealth: async () => {
      if (ill) throw new AgentError('not-yet', 'no quorum');
      await Promise.resolve();
    },
    openCluster: async () => await Promise.reject(new AgentError('cloud-unreachable', 'OpenStack is away')),
  });
  await writeCertificates(node, test, cas);
  await test.write('/etc/etcd/etcd.conf.yaml', 'listen-peer-urls: "https://10.0.0.5:2380"\n');
  const hands = {
    ...test.hands,
    config: { ...test.hands.config, rotation: { ...test.hands.config.rotation, phase } },
  };
  const holders = (): unknown[] =>
    api.asked
      .filter(({ method, path }) => method !== 'GET' && path.includes(LEASE.kind))
      .map(({ body }) => at(at(jsonObject(body), 'spec'), 'holderIdentity'));
  const step = (): unknown => api.core.find('nodes', '', OWN)?.['metadata'];
  return { ...test, hands, api, holders, step };
}

test("takes a master's turn, announces it, renews it and returns it, while OpenStack is down", async () => {
  const { hands, holders, step } = await setUp();
  const done = await inTurn(node, hands, NEVER, async (beforeRestart) => {
    expect(step()).toEqual({ annotations: { 'coe-agent/step': 'restart' } });
    expect(holders()).toEqual(['m0']);
    await beforeRestart?.();
    return holders();
  });
  expect(done).toEqual(['m0', 'm0']);
  expect(holders()).toEqual(['m0', 'm0', '']);
  expect(step()).toEqual({ annotations: {} });
});

test('returns the turn when the work fails', async () => {
  const { hands, holders, step } = await setUp();
  const fails = inTurn(node, hands, NEVER, async () => await Promise.reject(new AgentError('unit', 'no')));
  expect(await agentErrorOf(fails)).toMatchObject({ code: 'unit' });
  expect(holders()).toEqual(['m0', '']);
  expect(step()).toEqual({ annotations: {} });
});

test.each([
  ['the only master', { masters: 1 }],
  ['a master without `auto`', { phase: 'all' }],
] as const)('%s takes no turn', async (_, set) => {
  const { hands, holders, step } = await setUp(set);
  expect(await inTurn(node, hands, NEVER, async (before) => await Promise.resolve(before))).toBeUndefined();
  expect(holders()).toEqual([]);
  expect(step()).toEqual({ annotations: {} });
});

test('starts without a turn when its patience ends, and logs that', async () => {
  const { hands, holders, log } = await setUp({ ill: true });
  // As after 15 minutes.
  const impatient: Hands = {
    ...hands,
    retry: async (what, { baseMs, capMs }, abort, work) =>
      await hands.retry(what, { baseMs, capMs, forMs: baseMs * 2 }, abort, work),
  };
  expect(
    await inTurn(node, impatient, NEVER, async (before) => await Promise.resolve(before)),
  ).toBeUndefined();
  expect(holders()).toEqual([]);
  expect(logged(log, 'turn-not-given')).toHaveLength(1);
});
