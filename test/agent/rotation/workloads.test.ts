import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readKubeletRecord } from '../../../agent/rotation/hanging-pods.ts';
import { ownApiOf } from '../../../agent/rotation/own-api.ts';
import { restartClusterWorkloads } from '../../../agent/rotation/workloads.ts';
import type { WorkloadsPlan } from '../../../src/services/workloads.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { noticesIn } from '../../scenarios/support/notices.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { PARAMS } from '../../src/support/requests.ts';
import { testHands } from '../support/hands.ts';
import { networkOf } from '../support/network.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const MOUNTS = { volumes: [{ hostPath: { path: '/etc/kubernetes/certs' } }] };
const cas = newGeneration();
const master = nodeOf('master');

/** Makes a master of a cluster with two workloads, of which one mounts the node's certificates. */
async function setUp({ isAway = false } = {}) {
  const api = createKubernetes();
  api.add('deployments', 'kube-system', 'coredns');
  api.add('daemonsets', 'kube-system', 'keystone-auth', {}, MOUNTS);
  api.podsCa = caOf(cas, 'kubernetes').pem;
  const { cert: presents } = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]);
  const server = { presents, ask: api.askAs('system:masters') };
  const test = await testHands(networkOf(isAway ? {} : { '127.0.0.1:6443': server }));
  const params = Object.entries({ ...PARAMS, NODEGROUP_ROLE: 'master' });
  await test.write(
    '/etc/sysconfig/heat-params',
    params.map(([key, value]) => `${key}="${value}"\n`).join(''),
  );
  await writeCertificates(master, test, cas);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const row = master.layout.serviceAccount;
  await test.write(row?.privateKeyFile.path ?? '', key);
  await test.write(
    row?.publicKeyFile.path ?? '',
    createPublicKey(key).export({ type: 'spki', format: 'pem' }),
  );
  const own = ownApiOf([], master);
  if (!own) throw new Error('a master has an API server');
  const plan: WorkloadsPlan = { ...own, namespaces: ['kube-system'], perSecond: 2, deadlineMs: 60_000 };
  return {
    ...test,
    api,
    restart: async (over: Partial<WorkloadsPlan> = {}, abort = NEVER) => {
      const { isDone, said } = await restartClusterWorkloads({ ...plan, ...over }, test.hands, abort);
      return { isDone, said: said.map(({ code }) => code) };
    },
    patched: () =>
      api.asked.filter(({ method }) => method === 'PATCH').map(({ path }) => path.split(/[/?]/)[7]),
  };
}

test('restarts every workload once, and records first that pods may hang from now on', async () => {
  const { restart, patched, hands, clock } = await setUp();
  const from = clock.now();
  expect(await restart()).toEqual({ isDone: true, said: ['replaced', 'complete'] });
  expect(patched()).toEqual(['coredns', 'keystone-auth']);
  expect(await readKubeletRecord(hands)).toMatchObject({ restartedAt: from });
});

test('replaces only pods with its own certificates if the CA stays', async () => {
  const { restart, patched, api } = await setUp();
  expect(await restart({ mountsAlone: true })).toEqual({ isDone: true, said: ['replaced'] });
  expect(patched()).toEqual(['keystone-auth']);
  expect(api.lease).toBeUndefined();
});

test('replaces them also after another master has restarted all workloads', async () => {
  const { restart, api } = await setUp();
  await restart({ holder: 'm1' });
  const before = api.generation('kube-system', 'coredns');
  expect(await restart()).toEqual({ isDone: true, said: ['already', 'replaced'] });
  expect(api.generation('kube-system', 'coredns')).toBe(before);
});

describe('a failure', () => {
  test('is only reported: the node has its certificates', async () => {
    const { restart, progress } = await setUp({ isAway: true });
    expect(await restart()).toEqual({ isDone: false, said: ['failed'] });
    expect(noticesIn(progress)).toContain('workloads');
  });

  test('is not one if the program stops: the next start resumes', async () => {
    const { restart } = await setUp();
    expect(await agentErrorOf(restart({}, AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
  });
});

test('waits half a minute for tokens of the present key, then continues', async () => {
  const { restart, api, log, clock } = await setUp();
  api.core.put('secrets', 'n', 'token', {
    type: 'kubernetes.io/service-account-token',
    metadata: { annotations: {} },
    data: { token: Buffer.from('a.b.c').toString('base64') },
  });
  const from = clock.elapsed();
  expect(await restart()).toMatchObject({ isDone: true });
  expect(logged(log, 'follow-up-waits')).toMatchObject([{ task: 'tokens' }]);
  expect(clock.elapsed() - from).toBeGreaterThanOrEqual(30_000);
});
