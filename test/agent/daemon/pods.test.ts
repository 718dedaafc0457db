import { expect, test } from 'vitest';
import { createPodsLoop } from '../../../agent/daemon/pods.ts';
import { noteCause, writeKubeletRecord } from '../../../agent/rotation/hanging-pods.ts';
import { stageFile } from '../../fakes/generation.ts';
import { createHands } from '../../fakes/hands.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { PARAMS } from '../../src/support/requests.ts';
import { networkOf } from '../support/network.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const MINUTE = 60_000;
const cas = newGeneration();
const params = { KUBE_MASTER_IP: '10.0.0.9', KUBE_API_PORT: '6443' };

/** Makes the daemon of a worker. @returns how many lists of pods the API has answered after a turn */
async function setUp(more: Readonly<Record<string, string>> = {}) {
  const api = createKubernetes();
  const presents = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
  const ask = api.askAs('system:nodes', 'system:node:k1-node-0');
  const given = Object.entries({ ...PARAMS, NODEGROUP_ROLE: 'worker', ...params, ...more });
  const site = await createHands({
    units: ['kubelet'],
    files: { '/etc/sysconfig/heat-params': given.map((pair) => `${pair.join('="')}"\n`).join('') },
    config: ['layout: kubernetes-certs'],
    over: networkOf({ '10.0.0.9:6443': { presents, ask } }),
  });
  await writeCertificates(nodeOf('worker', params), site, cas);
  const loop = createPodsLoop(site.hands);
  const turn = async (ms = 0, abort = NEVER): Promise<number> => {
    site.clock.advance(ms);
    await loop.turn(abort);
    return api.asked.filter(({ path }) => path.startsWith('/api/v1/pods')).length;
  };
  const restart = async (): Promise<void> => {
    await noteCause(site.hands);
  };
  const hang = (): void =>
    api.core.put('pods', 'shop', 'a', {
      metadata: { uid: 'a', deletionTimestamp: 'x' },
      spec: { nodeName: 'k1-node-0' },
    });
  return { ...site, api, loop, turn, restart, hang };
}

test('looks every minute after a restart of the kubelet that it has noticed', async () => {
  const { turn, restart } = await setUp();
  expect(await turn()).toBe(0);
  await restart();
  expect(await turn()).toBe(1);
  expect(await turn(59_000)).toBe(1);
  expect(await turn(1000)).toBe(2);
  expect(await turn(60 * MINUTE)).toBe(2);
});

test('looks every 20 s while pods are in deletion', async () => {
  const { turn, restart, hang } = await setUp();
  await restart();
  hang();
  expect(await turn()).toBe(1);
  expect(await turn(19_000)).toBe(1);
  expect(await turn(1000)).toBe(2);
});

test('continues after a start of the daemon, from the record', async () => {
  const { turn, hands, clock } = await setUp();
  await writeKubeletRecord({ restartedAt: clock.now() - 30 * MINUTE, tried: [], left: [] }, hands);
  expect(await turn()).toBe(1);
  expect(await turn(31 * MINUTE)).toBe(1);
});

test('looks every ten minutes while pods hang that a restart has not freed', async () => {
  const { turn, hands, hang, units } = await setUp();
  hang();
  await writeKubeletRecord({ restartedAt: 0, freedAt: 1, tried: ['a'], left: ['shop/a'] }, hands);
  expect(await turn()).toBe(1);
  expect(await turn(9 * MINUTE)).toBe(1);
  expect(await turn(MINUTE)).toBe(2);
  expect(units.restarts).toEqual([]);
});

test('asks nothing on a node without TLS, and while a run is under way', async () => {
  const plain = await setUp({ TLS_DISABLED: 'True' });
  await plain.restart();
  expect(await plain.turn()).toBe(0);
  const busy = await setUp();
  await busy.restart();
  await busy.hands.generations.commit(await stageFile(busy));
  expect(await busy.turn()).toBe(0);
});

test('logs a refusal of the API, and asks again ten minutes later', async () => {
  const { turn, restart, api, log } = await setUp();
  api.instead = ({ path }) => (path.startsWith('/api/v1/pods') ? { status: 403, body: {} } : undefined);
  await restart();
  await turn();
  expect(logged(log, 'pods-unknown')).toMatchObject([{ code: 'cloud-refused' }]);
  const before = await turn(9 * MINUTE);
  expect(await turn(MINUTE)).toBe(before + 1);
});

test('stops with the program', async () => {
  const { turn, restart } = await setUp();
  await restart();
  expect(await faultIn(turn(0, AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
});
