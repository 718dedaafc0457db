import { describe, expect, test } from 'vitest';
import { writeRotation } from '../../../agent/phases/record.ts';
import { goesByItself } from '../../../agent/rotation/by-itself.ts';
import type { AskApi } from '../../../src/services/kubernetes-call.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { testHands } from '../support/hands.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';
import { etcdOf, networkOf } from '../support/network.ts';

const [cas, other] = [newGeneration(), newGeneration()];
const junk: AskApi = async () => await Promise.resolve({ status: 404, headers: {}, text: '' });
const peers = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `m${index}`, isMaster: true, ports: [] }));

type Circumstances = { phase?: 'auto' | 'all' | 'trust'; params?: Record<string, string>; known?: number };

/** @param ask etcd, as this master reaches it */
async function master(ask: AskApi, { phase, params = {}, known = 0 }: Circumstances = {}) {
  const { hands, write, log } = await testHands(networkOf({ '10.0.0.5:2380': { presents: '', ask } }));
  const node = nodeOf('master', params);
  await writeCertificates(node, { write }, cas);
  await write('/etc/etcd/etcd.conf.yaml', 'listen-peer-urls: "https://10.0.0.5:2380"\n');
  if (known > 0) await writeRotation({ version: 1, peers: peers(known) }, hands);
  const rotation = { ...hands.config.rotation, phase };
  return {
    goes: await goesByItself(node, { ...hands, config: { ...hands.config, rotation } }, NEVER),
    log,
  };
}

describe('rotates automatically on a master', () => {
  test.each([
    [1, false],
    [3, true],
  ])('of %i', async (members, goes) => {
    expect((await master(etcdOf(members))).goes).toBe(goes);
  });

  test('as configured, whatever etcd says', async () => {
    expect((await master(etcdOf(1), { phase: 'auto' })).goes).toBe(true);
    for (const phase of ['all', 'trust'] as const)
      expect((await master(etcdOf(3), { phase })).goes).toBe(false);
  });

  test('not in a cluster without TLS', async () => {
    expect((await master(etcdOf(3), { params: { TLS_DISABLED: 'True' } })).goes).toBe(false);
  });

  test('by the number of masters that it has seen, if etcd does not answer', async () => {
    expect((await master(junk, { known: 2 })).goes).toBe(true);
    const { goes, log } = await master(junk);
    expect(goes).toBe(false);
    expect(logged(log, 'masters-unknown')).toHaveLength(1);
  });
});

describe('rotates automatically on a worker', () => {
  const node = nodeOf('worker', { KUBE_MASTER_IP: '10.0.0.9' });

  async function worker(servers: number, { signs = cas, status = 200, known = 0 } = {}) {
    const api = createKubernetes();
    const addresses = Array.from({ length: servers }, (_, index) => ({ ip: `192.0.2.${index + 1}` }));
    api.core.put('endpoints', 'default', 'kubernetes', { subsets: [{ addresses, ports: [{ port: 6443 }] }] });
    if (status !== 200) api.instead = () => ({ status });
    const presents = caOf(signs, 'kubernetes').issue([['CN', 'kubernetes']]).cert;
    const ask = api.askAs('system:node-proxier', 'system:kube-proxy');
    const network = networkOf({ '10.0.0.9:6443': { presents, ask } });
    const test = await testHands(network);
    await writeCertificates(node, test, cas);
    if (known > 0) await writeRotation({ version: 1, peers: peers(known) }, test.hands);
    return { ...test, network, goes: await goesByItself(node, test.hands, NEVER) };
  }

  test('of several masters, and not of a single one', async () => {
    const { goes, network } = await worker(3);
    expect(goes).toBe(true);
    expect(network.open()).toBe(0);
    expect((await worker(1)).goes).toBe(false);
  });

  test("by the masters that it has seen, without a request, if the API's certificate is untrusted", async () => {
    const { goes, network } = await worker(3, { signs: other });
    expect(goes).toBe(false);
    expect(network.opened).toEqual([]);
    expect((await worker(3, { signs: other, known: 2 })).goes).toBe(true);
    expect((await worker(1, { known: 1 })).goes).toBe(false);
  });

  test('not if the API rejects the request, which is logged', async () => {
    const { goes, log } = await worker(3, { status: 403 });
    expect(goes).toBe(false);
    expect(logged(log, 'masters-unknown')).toHaveLength(1);
  });

  test('not without an API address', async () => {
    const { hands } = await worker(3);
    expect(await goesByItself(nodeOf('worker'), hands, NEVER)).toBe(false);
  });
});
