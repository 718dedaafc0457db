import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Hands } from '../../../agent/hands.ts';
import type { BeforeRestart } from '../../../agent/peers/turn.ts';
import { inTurn, resumeInTurn } from '../../../agent/peers/in-turn.ts';
import { readRotation, writeRotation } from '../../../agent/phases/record.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { at } from '../../cloud/exchange.ts';
import { LEASE } from '../../fakes/kubernetes-lease.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { jsonObject } from '../../src/support/fixtures.ts';
import { agentErrorOf, faultIn } from '../../src/support/outcome-of.ts';
import { testHands } from '../support/hands.ts';
import { etcdOf, networkOf } from '../support/network.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const cas = newGeneration();
const node = nodeOf('master');
const OWN = 'k1-node-0';
const PARAMS = [...node.params].map(([key, value]) => `${key}="${value}"\n`).join('');
/** Less than a wait for a turn. */
const BRIEF = 5000;

type Circumstances = {
  masters?: number;
  phase?: 'auto' | 'all';
  ill?: boolean;
  /** The other masters refuse this one. */
  refused?: boolean;
  /** No API server answers. */
  silent?: boolean;
  /** Its own etcd does not answer, and another master is known. */
  etcdDown?: boolean;
};

/** Makes the master at 10.0.0.5 of `masters`, without a reachable OpenStack. */
async function setUp({
  masters = 3,
  phase = 'auto',
  ill = false,
  refused = false,
  silent = false,
  etcdDown = false,
}: Circumstances = {}) {
  const api = createKubernetes();
  api.core.put('nodes', '', OWN, { metadata: { annotations: {} } });
  const presents = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
  const network = networkOf({
    ...(!silent && { '127.0.0.1:6443': { presents, ask: api.askAs('system:masters') } }),
    ...(!etcdDown && {
      '10.0.0.5:2380': { presents: caOf(cas, 'etcd').issue([['CN', 'etcd']]).cert, ask: etcdOf(masters) },
    }),
  });
  const test = await testHands({
    ...network,
    askPeer: async () =>
      await Promise.resolve({ presents: new X509Certificate(presents), accepts: refused ? 'no' : 'yes' }),
    askHealth: async () => {
      if (ill) throw new AgentError('not-yet', 'no quorum');
      await Promise.resolve();
    },
    openCluster: async () => await Promise.reject(new AgentError('cloud-unreachable', 'OpenStack is away')),
  });
  await writeCertificates(node, test, cas);
  await test.write('/etc/etcd/etcd.conf.yaml', 'listen-peer-urls: "https://10.0.0.5:2380"\n');
  if (etcdDown)
    await writeRotation({ version: 1, peers: [{ name: 'm1', isMaster: true, ports: [] }] }, test.hands);
  const hands: Hands = {
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
    await beforeRestart?.('kubelet', 'all are well');
    return holders();
  });
  expect(done).toEqual(['m0', 'm0']);
  expect(holders()).toEqual(['m0', 'm0', '']);
  expect(step()).toEqual({ annotations: {} });
});

test('hands the leadership of etcd over before the restart of etcd, and of no other unit', async () => {
  const { hands } = await setUp();
  const asked: string[] = [];
  const callEtcd: Hands['callEtcd'] = async ({ url }, method) => {
    asked.push(`${method} at ${url}`);
    return await Promise.resolve(Buffer.alloc(0));
  };
  await inTurn(node, { ...hands, callEtcd }, NEVER, async (beforeRestart) => {
    await beforeRestart?.('kubelet', 'all are well');
    expect(asked).toEqual([]);
    await beforeRestart?.('etcd', 'all are well');
  });
  expect(asked).toEqual(['Maintenance/Status at https://10.0.0.5:2379']);
});

/** Makes another master unwell in the turn. @returns how long the restarts of these units waited, each in turn */
async function waitsOf(
  restarts: readonly Parameters<BeforeRestart>[1][],
  healsAfterMs = Infinity,
): Promise<{ waitedMs: number[]; log: string[]; others: string[] }> {
  const { hands, log } = await setUp();
  let illUntil = -Infinity;
  const asked: string[] = [];
  const askHealth: Hands['askHealth'] = async (url) => {
    asked.push(url);
    await Promise.resolve();
    if (url.includes('10.0.0.6') && hands.clock.elapsed() < illUntil)
      throw new AgentError('not-yet', 'no quorum');
  };
  const waitedMs: number[] = [];
  await inTurn(node, { ...hands, askHealth }, NEVER, async (beforeRestart) => {
    illUntil = hands.clock.elapsed() + healsAfterMs;
    asked.length = 0;
    for (const when of restarts) {
      const from = hands.clock.elapsed();
      await beforeRestart?.('kubelet', when);
      waitedMs.push(hands.clock.elapsed() - from);
    }
  });
  return { waitedMs, log, others: asked };
}

describe('if another master becomes unwell in the turn', () => {
  test('the next restart waits until it is well again', async () => {
    const { waitedMs, log } = await waitsOf(['all are well', 'all are well'], 60_000);
    expect(waitedMs[0]).toBeGreaterThanOrEqual(60_000);
    expect(waitedMs[0]).toBeLessThan(70_000);
    expect(waitedMs[1]).toBe(0);
    expect(logged(log, 'masters-unwell')).toEqual([]);
  });

  test('the turn goes on after ten minutes, and that is logged once', async () => {
    const { waitedMs, log } = await waitsOf(['all are well', 'all are well']);
    expect(waitedMs[0]).toBeGreaterThan(590_000);
    expect(waitedMs[0]).toBeLessThanOrEqual(600_000);
    expect(waitedMs[1]).toBe(0);
    expect(logged(log, 'masters-unwell')).toMatchObject([{ level: 'warn', peers: ['m1'] }]);
  });

  test('a restart with the old files does not wait for it', async () => {
    const { waitedMs, others } = await waitsOf(['at once']);
    expect(waitedMs).toEqual([0]);
    expect(others).toEqual([]);
  });
});

test('waits in its turn for no master that was unwell before', async () => {
  const { hands, write } = await setUp({ ill: true });
  await write('/etc/sysconfig/heat-params', PARAMS, 0o600);
  const from = hands.clock.elapsed();
  await resumeInTurn(hands, NEVER, async (beforeRestart) => await beforeRestart?.('kubelet', 'all are well'));
  expect(hands.clock.elapsed() - from).toBeLessThan(BRIEF);
});

test('returns the turn when the work fails', async () => {
  const { hands, holders, step } = await setUp();
  const fails = inTurn(node, hands, NEVER, async () => await Promise.reject(new AgentError('unit', 'no')));
  expect(await agentErrorOf(fails)).toMatchObject({ code: 'unit' });
  expect(holders()).toEqual(['m0', '']);
  expect(step()).toEqual({ annotations: {} });
});

/** As after 15 minutes. */
const impatient = (hands: Hands): Hands => ({
  ...hands,
  retry: async (what, { baseMs, capMs }, abort, work) =>
    await hands.retry(what, { baseMs, capMs, forMs: baseMs * 2 }, abort, work),
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
  expect(
    await inTurn(node, impatient(hands), NEVER, async (before) => await Promise.resolve(before)),
  ).toBeUndefined();
  expect(holders()).toEqual([]);
  expect(logged(log, 'turn-not-given')).toHaveLength(1);
});

const begins = async (): Promise<string> => await Promise.resolve('begun');

describe('while no API server answers', () => {
  test('nothing begins, and that is noted until there is a turn', async () => {
    const { hands, log } = await setUp({ silent: true });
    expect(await faultIn(inTurn(node, impatient(hands), NEVER, begins))).toEqual({
      code: 'precondition',
      reason: 'no-api',
    });
    expect(logged(log, 'turn-not-given')).toHaveLength(1);
    expect((await readRotation(hands)).turnMissed).toEqual({ why: 'no-api', at: hands.clock.now() });
    const again = await setUp();
    await writeRotation({ version: 1, peers: [], turnMissed: { why: 'no-api', at: 1 } }, again.hands);
    await inTurn(node, again.hands, NEVER, begins);
    expect((await readRotation(again.hands)).turnMissed).toBeUndefined();
  });

  test('a person can restart without a turn, at once', async () => {
    const { hands, log } = await setUp({ silent: true });
    expect(await inTurn(node, { ...hands, withoutTurn: true }, NEVER, begins)).toBe('begun');
    expect(logged(log, 'turn-not-given')).toEqual([]);
  });

  test('a node whose certificates have expired begins, because it is cut off', async () => {
    const { hands, clock } = await setUp({ silent: true });
    clock.advance(100 * 365 * 86_400_000);
    expect(await inTurn(node, impatient(hands), NEVER, begins)).toBe('begun');
  });
});

async function resumed(circumstances: Circumstances) {
  const set = await setUp(circumstances);
  await set.write('/etc/sysconfig/heat-params', PARAMS, 0o600);
  const from = set.hands.clock.elapsed();
  const has = await resumeInTurn(
    set.hands,
    NEVER,
    async (before) => await Promise.resolve(before !== undefined),
  );
  return { ...set, hasTurn: has, waitedMs: set.hands.clock.elapsed() - from };
}

describe('who has begun finishes', () => {
  test('in a turn, also where other masters are not well', async () => {
    const { hasTurn, holders } = await resumed({ ill: true });
    expect(hasTurn).toBe(true);
    expect(holders()).toEqual(['m0', '']);
  });

  test('without a turn and without waiting, where no API server answers', async () => {
    const { hasTurn, waitedMs, log } = await resumed({ silent: true });
    expect(hasTurn).toBe(false);
    expect(waitedMs).toBeLessThan(BRIEF);
    expect(logged(log, 'turn-not-given')).toHaveLength(1);
    expect((await resumed({ silent: true, etcdDown: true })).hasTurn).toBe(false);
  });

  test('in a turn under the name of its Node, where its etcd does not answer', async () => {
    const { hasTurn, holders } = await resumed({ etcdDown: true });
    expect(hasTurn).toBe(true);
    expect(holders()).toEqual([OWN, '']);
  });

  test('without a turn on a node that cannot be read', async () => {
    const { hands } = await setUp();
    expect(await resumeInTurn(hands, NEVER, async (before) => await Promise.resolve(before))).toBeUndefined();
  });
});

test('a master whose etcd does not answer waits for it before it begins', async () => {
  const { hands, holders, log } = await setUp({ etcdDown: true });
  await inTurn(node, impatient(hands), NEVER, async () => await Promise.resolve());
  expect(holders()).toEqual([]);
  expect(logged(log, 'turn-not-given')).toHaveLength(1);
});

test('a master that all others refuse takes no turn, and waits for none', async () => {
  const { hands, holders, log } = await setUp({ ill: true, refused: true });
  expect(await inTurn(node, hands, NEVER, begins)).toBe('begun');
  expect(holders()).toEqual([]);
  expect(logged(log, 'turn-not-given')).toEqual([]);
});
