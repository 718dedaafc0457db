import { describe, expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { wordFor } from '../../../agent/peers/own-state.ts';
import { seeOldCaUsers, seeOldCaUsersBeforeRetire } from '../../../agent/peers/see-old-ca-users.ts';
import type { Look } from '../../../agent/peers/look.ts';
import type { Cluster, Hands } from '../../../agent/hands.ts';
import { readRotation } from '../../../agent/phases/record.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { testHands } from '../support/hands.ts';
import { networkOf } from '../support/network.ts';
import { caOf, newGeneration, nodeOf, servedOf, writeCertificates } from '../support/node.ts';

const [former, fresh] = [newGeneration(), newGeneration()];
const node = nodeOf('master');
const served = servedOf(node, fresh);
const OWN = { isMaster: true, trustsServed: true, trustsFormer: true, presentsServed: true };
const MINUTE = 60_000;

/** Makes a master after "reissue" in a cluster with a Secret that contains a certificate of the old CA. */
async function setUp() {
  const api = createKubernetes();
  const presents = caOf(fresh, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
  const network = networkOf({ '127.0.0.1:6443': { presents, ask: api.askAs('system:masters') } });
  const test = await testHands(network);
  await writeCertificates(node, test, fresh, [fresh, former]);
  const probe = { host: '127.0.0.1', port: 6443, file: '/x' };
  const units = [{ name: 'kube-apiserver', required: true, deadlineMs: 1, settleMs: 1, probe }];
  const addSecret = (name: string): void => {
    const { cert } = caOf(former, 'kubernetes').issue([['CN', name]]);
    const data = { 'tls.crt': Buffer.from(cert).toString('base64') };
    api.core.put('secrets', 'shop', name, { type: 'kubernetes.io/tls', data });
  };
  addSecret('web');
  const see = async ({ isDue = false, own = OWN, finishNow = false, abort = NEVER } = {}) => {
    const look: Look = {
      served,
      known: { api: 'answers', nodes: [], members: [], peers: [] },
      view: {
        own,
        api: 'answers',
        peers: [],
        course: { since: 0, finishNow, heldUntil: undefined },
        now: test.clock.now(),
        withinMs: 0,
      },
    };
    await seeOldCaUsers(isDue, look, { node, units }, test.hands, abort);
  };
  const cluster: Cluster = {
    user: async () => await Promise.resolve(undefined),
    roles: async () => await Promise.resolve([]),
    seeRegion: async () => {
      await Promise.resolve();
    },
    readCa: async (type, believe) => await believe(caOf(fresh, type).pem),
    sign: async () => await Promise.reject(new Error('nothing is signed')),
  };
  const hands: Hands = { ...test.hands, openCluster: async () => await Promise.resolve(cluster) };
  const looks = (): number => api.asked.filter(({ path }) => path.startsWith('/api/v1/secrets')).length;
  return { ...test, hands, api, addSecret, see, looks };
}

const WEB = { kind: 'Secret', namespace: 'shop', name: 'web', reason: 'signed-by-old-ca' };

test('records what needs the old CA, and logs it once', async () => {
  const { see, hands, log, clock, addSecret } = await setUp();
  const at = clock.now();
  await see();
  const kept = { cas: wordFor(served), at, isAll: true, count: 1, users: [WEB] };
  expect((await readRotation(hands)).oldCaUsers).toEqual(kept);
  expect(logged(log, 'old-ca-in-use')).toMatchObject([
    { level: 'warn', count: 1, isAll: true, objects: ['Secret shop/web (signed-by-old-ca)'] },
  ]);
  clock.advance(60 * MINUTE);
  await see();
  expect(logged(log, 'old-ca-in-use')).toHaveLength(1);
  addSecret('other');
  clock.advance(60 * MINUTE);
  await see();
  expect(logged(log, 'old-ca-in-use')).toMatchObject([{ count: 1 }, { count: 2 }]);
});

test('looks every hour while `retire` waits, and again right before it', async () => {
  const { see, clock, looks } = await setUp();
  await see();
  clock.advance(59 * MINUTE);
  await see();
  expect(looks()).toBe(1);
  await see({ isDue: true });
  expect(looks()).toBe(2);
  // A turn is awaited.
  clock.advance(4 * MINUTE);
  await see({ isDue: true });
  expect(looks()).toBe(2);
});

test('names the first fifty, and counts the others', async () => {
  const { see, hands, addSecret } = await setUp();
  for (let index = 0; index < 60; index += 1) addSecret(`s${index}`);
  await see();
  const { oldCaUsers } = await readRotation(hands);
  expect([oldCaUsers?.count, oldCaUsers?.users.length]).toEqual([61, 50]);
});

test.each([
  ['a worker', { own: { ...OWN, isMaster: false } }],
  ['a master before `reissue`', { own: { ...OWN, presentsServed: false } }],
  ['a master after `retire`', { own: { ...OWN, trustsFormer: false } }],
  ['a master with the order to finish now', { finishNow: true }],
])('does not look on %s', async (_, set) => {
  const { see, looks } = await setUp();
  await see(set);
  expect(looks()).toBe(0);
});

test('ignores a failed look, and repeats it', async () => {
  const { see, hands, api, log } = await setUp();
  api.instead = ({ path }) => (path === '/api' ? undefined : { status: 403 });
  await see();
  expect((await readRotation(hands)).oldCaUsers).toBeUndefined();
  expect(logged(log, 'old-ca-users-unknown')).toMatchObject([{ code: 'cloud-refused' }]);
  api.instead = () => undefined;
  await see();
  expect((await readRotation(hands)).oldCaUsers?.count).toBe(1);
});

test('stops on abort', async () => {
  const { see } = await setUp();
  expect(await agentErrorOf(see({ abort: AbortSignal.abort() }))).toMatchObject({ code: 'aborted' });
});

const away = async () => await Promise.reject(new AgentError('cloud-unreachable', 'away'));

describe('before a `retire` that a deployment names', () => {
  test('looks in the same way, also on a node that has not looked at its peers', async () => {
    const { hands, log, looks } = await setUp();
    await seeOldCaUsersBeforeRetire(node, hands, NEVER);
    expect((await readRotation(hands)).oldCaUsers).toMatchObject({ count: 1, users: [WEB] });
    expect(logged(log, 'old-ca-in-use')).toHaveLength(1);
    // The last look counts.
    await seeOldCaUsersBeforeRetire(node, hands, NEVER);
    expect(looks()).toBe(1);
  });

  test('a failure to ask Magnum is logged, and nothing waits for it', async () => {
    const { hands, log, looks } = await setUp();
    await seeOldCaUsersBeforeRetire(node, { ...hands, openCluster: away }, NEVER);
    expect(logged(log, 'old-ca-users-unknown')).toMatchObject([{ code: 'cloud-unreachable' }]);
    expect(looks()).toBe(0);
  });

  test('looks neither on a worker nor where no former CA is trusted', async () => {
    const { hands, write, looks } = await setUp();
    await seeOldCaUsersBeforeRetire(nodeOf('worker'), hands, NEVER);
    await writeCertificates(node, { write }, fresh);
    await seeOldCaUsersBeforeRetire(node, hands, NEVER);
    expect(looks()).toBe(0);
  });
});
