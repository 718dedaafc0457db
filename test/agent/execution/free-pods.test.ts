import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTend, freePods, newPodsMemory } from '../../../agent/execution/free-pods.ts';
import { rotationState } from '../../../agent/inspection/rotation-state.ts';
import { readKubeletRecord, writeKubeletRecord } from '../../../agent/rotation/hanging-pods.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { createHands } from '../../fakes/hands.ts';
import { ownNodeAlone } from '../../fakes/imitated-rules.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { jsonObject } from '../../src/support/fixtures.ts';
import { PARAMS } from '../../src/support/requests.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { networkOf } from '../support/network.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const MINUTE = 60_000;
const cas = newGeneration();
const params = { KUBE_MASTER_IP: '10.0.0.9', KUBE_API_PORT: '6443' };
const node = nodeOf('worker', params);
const OWN = 'k1-node-0';

/** Makes a worker with its API. The kubelet is not proven by a port: only its unit counts here. */
async function setUp() {
  const api = createKubernetes();
  api.instead = ownNodeAlone;
  const presents = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
  const ask = api.askAs('system:nodes', `system:node:${OWN}`);
  const given = Object.entries({ ...PARAMS, NODEGROUP_ROLE: 'worker', ...params });
  const site = await createHands({
    units: ['kubelet'],
    files: { '/etc/sysconfig/heat-params': given.map((pair) => `${pair.join('="')}"\n`).join('') },
    config: [
      'layout: kubernetes-certs',
      'services: { settle_seconds: 0, units: { kubelet: { prove: false, health: false } } }',
    ],
    over: networkOf({ '10.0.0.9:6443': { presents, ask } }),
  });
  await writeCertificates(node, site, cas);
  const memory = newPodsMemory();
  return {
    ...site,
    api,
    memory,
    remove: (name: string) => api.core.remove('pods', 'shop', name),
    /** Deletes a pod of this node, which its kubelet does not end. */
    hang: (name: string, more: Record<string, unknown> = {}) =>
      api.core.put('pods', 'shop', name, {
        metadata: { uid: name, deletionTimestamp: 'x', deletionGracePeriodSeconds: 30, ...more },
        spec: { nodeName: OWN },
      }),
    look: async (ms = 0) => {
      site.clock.advance(ms);
      await freePods(memory, node, site.hands, NEVER);
      return site.units.restarts.length;
    },
    audit: async (): Promise<unknown[]> => {
      const text = await readFile(join(site.root, '/var/log/coe-agent/audit.jsonl'), 'utf8').catch(() => '');
      return text.split('\n').filter(Boolean).map(jsonObject);
    },
  };
}

test('restarts the kubelet once for pods that stay in deletion, and audits that', async () => {
  const { hang, remove, look, log, audit } = await setUp();
  hang('a');
  hang('b', { finalizers: ['example.org/backup'] });
  expect(await look()).toBe(0);
  expect(await look(80_000)).toBe(0);
  expect(await look(15_000)).toBe(1);
  expect(logged(log, 'pods-hang')).toMatchObject([{ unit: 'kubelet', pods: ['shop/a'] }]);
  expect(await audit()).toMatchObject([
    { event: 'begun', run: 'hanging-pods' },
    { event: 'ended', run: 'hanging-pods', outcome: 'succeeded' },
  ]);
  remove('a');
  expect(await look(2 * MINUTE)).toBe(1);
  expect(logged(log, 'pods-freed')).toHaveLength(1);
  expect(await look(60 * MINUTE)).toBe(1);
});

test('does not restart it again for the same pods, and shows them in the status', async () => {
  const { hang, remove, look, log, hands } = await setUp();
  hang('a');
  await look();
  expect(await look(2 * MINUTE)).toBe(1);
  for (let minutes = 0; minutes < 30; minutes += 1) expect(await look(MINUTE)).toBe(1);
  expect(logged(log, 'pods-still-hang')).toMatchObject([{ pods: ['shop/a'] }]);
  expect((await rotationState(hands)).notes).toMatchObject([{ code: 'pods-hang', for: ['shop/a'] }]);
  remove('a');
  await look(MINUTE);
  expect((await rotationState(hands)).notes).toEqual([]);
  expect(await readKubeletRecord(hands)).toMatchObject({ tried: [], left: [] });
});

// While workloads are replaced one after the other, each of them may leave such a pod.
test('restarts it for other pods as soon as the last restart has helped', async () => {
  const { hang, remove, look } = await setUp();
  hang('a');
  await look();
  hang('b');
  await look(MINUTE);
  expect(await look(MINUTE)).toBe(1);
  remove('a');
  expect(await look(MINUTE / 2)).toBe(1);
  expect(await look(MINUTE / 2)).toBe(2);
});

test('restarts it for other pods once in ten minutes if the last restart has not helped', async () => {
  const { hang, look } = await setUp();
  hang('a');
  await look();
  expect(await look(2 * MINUTE)).toBe(1);
  hang('b');
  await look(MINUTE);
  expect(await look(2 * MINUTE)).toBe(1);
  expect(await look(5 * MINUTE)).toBe(1);
  expect(await look(3 * MINUTE)).toBe(2);
});

test('knows after a start of the program for which pods the kubelet was restarted', async () => {
  const { hang, look, hands, memory } = await setUp();
  await writeKubeletRecord({ restartedAt: 0, freedAt: 1, tried: ['a'], left: [] }, hands);
  hang('a');
  memory.seen.clear();
  await look();
  expect(await look(5 * MINUTE)).toBe(0);
});

test('restarts nothing without an API server that answers, or without a kubelet', async () => {
  const { hang, hands, memory, units, clock } = await setUp();
  hang('a');
  const silent = { ...hands, ...networkOf({}) };
  await freePods(memory, node, silent, NEVER);
  const bare = nodeOf('worker', params, { units: [] });
  await freePods(memory, bare, hands, NEVER);
  clock.advance(10 * MINUTE);
  await freePods(memory, bare, hands, NEVER);
  expect(units.restarts).toEqual([]);
});

test('reports a kubelet that does not start', async () => {
  const { hang, look, log, units, audit } = await setUp();
  hang('a');
  await look();
  units.broken.add('kubelet');
  await look(2 * MINUTE);
  expect(logged(log, 'pods-unfreed')).toMatchObject([{ unit: 'kubelet', code: 'unit' }]);
  expect((await audit()).at(-1)).toMatchObject({ run: 'hanging-pods', outcome: 'failed' });
});

test('restarts nothing if the attempt cannot be recorded', async () => {
  const { hang, look, units, hands, memory } = await setUp();
  hang('a');
  await look();
  const disk = {
    ...hands.disk,
    create: async () => await Promise.reject(new AgentError('disk', 'full', { reason: 'no-space' })),
  };
  memory.seen.set('a', -10 * MINUTE);
  expect(await faultIn(freePods(memory, node, { ...hands, disk }, NEVER))).toMatchObject({ code: 'disk' });
  expect(units.restarts).toEqual([]);
});

test('while workloads are replaced, looks every 20 s, in the turn of that run', async () => {
  const { hang, hands, units, clock, api, log } = await setUp();
  hang('a');
  const heard: string[] = [];
  const beforeRestart = async (unit: string): Promise<void> => {
    heard.push(unit);
    await Promise.resolve();
  };
  const tend = createTend(hands, { beforeRestart });
  const lists = (): number => api.asked.filter(({ path }) => path.startsWith('/api/v1/pods')).length;
  for (let seconds = 0; seconds <= 100; seconds += 2) {
    await tend(NEVER);
    clock.advance(2000);
  }
  expect(lists()).toBe(6);
  expect(heard).toEqual(['kubelet']);
  expect(units.restarts).toEqual(['kubelet']);
  // The roll-out goes on if the pods cannot be listed.
  api.instead = () => ({ status: 403, body: {} });
  clock.advance(MINUTE);
  await tend(NEVER);
  expect(logged(log, 'pods-unknown').length).toBeLessThanOrEqual(1);
});
