import { describe, expect, test } from 'vitest';
import { type RotationRecord, writeRotation } from '../../../agent/phases/record.ts';
import { goesByItself } from '../../../agent/rotation/by-itself.ts';
import { kubeadm } from '../../../src/certificates/layouts/kubeadm.ts';
import { swarm } from '../../../src/certificates/layouts/swarm.ts';
import type { AskApi } from '../../../src/services/kubernetes-call.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { testHands } from '../support/hands.ts';
import { caOf, type Generation, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';
import { etcdOf, networkOf } from '../support/network.ts';

const [cas, other] = [newGeneration(), newGeneration()];
const junk: AskApi = async () => await Promise.resolve({ status: 404, headers: {}, text: '' });
const OWN = 'k1-node-0';

type Circumstances = {
  phase?: 'auto' | 'all' | 'trust';
  params?: Record<string, string>;
  /** What root keeps of the rotation. */
  record?: Partial<RotationRecord>;
  /** The Nodes that its API lists; undefined: it does not answer. */
  nodes?: readonly string[] | undefined;
  trusted?: readonly Generation[];
};

/** @param etcd as this master reaches it */
async function master(
  etcd: AskApi,
  { phase, params = {}, record, nodes, trusted = [cas] }: Circumstances = {},
) {
  const api = createKubernetes();
  for (const name of nodes ?? []) api.core.put('nodes', '', name, {});
  const { cert: presents } = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]);
  const network = networkOf({
    '10.0.0.5:2380': { presents: '', ask: etcd },
    ...(nodes && { '127.0.0.1:6443': { presents, ask: api.askAs('system:masters') } }),
  });
  const { hands, write, log } = await testHands(network);
  const node = nodeOf('master', params);
  await writeCertificates(node, { write }, cas, trusted);
  await write('/etc/etcd/etcd.conf.yaml', 'listen-peer-urls: "https://10.0.0.5:2380"\n');
  if (record) await writeRotation({ version: 1, peers: [], ...record }, hands);
  const rotation = { ...hands.config.rotation, phase };
  return {
    goes: await goesByItself(node, { ...hands, config: { ...hands.config, rotation } }, NEVER),
    unknown: logged(log, 'peers-unknown').length,
    open: network.open(),
  };
}

describe('a master', () => {
  test('of several does', async () => {
    expect(await master(etcdOf(3))).toEqual({ goes: true, unknown: 0, open: 0 });
  });

  test('with workers does, and the only node of a cluster does not', async () => {
    const both = [OWN, 'k1-worker-0'];
    expect(await master(etcdOf(1), { nodes: both })).toEqual({ goes: true, unknown: 0, open: 0 });
    for (const nodes of [[OWN], []])
      expect(await master(etcdOf(1), { nodes })).toEqual({ goes: false, unknown: 0, open: 0 });
  });

  test('does as it is configured, whatever the cluster says', async () => {
    expect((await master(etcdOf(1), { phase: 'auto', nodes: [OWN] })).goes).toBe(true);
    for (const phase of ['all', 'trust'] as const)
      expect((await master(etcdOf(3), { phase })).goes).toBe(false);
  });

  test('not in a cluster without TLS', async () => {
    expect((await master(etcdOf(3), { params: { TLS_DISABLED: 'True' } })).goes).toBe(false);
  });

  test('whose etcd or API does not answer does, and logs that', async () => {
    expect(await master(etcdOf(1))).toEqual({ goes: true, unknown: 1, open: 0 });
    expect(await master(junk, { nodes: [OWN] })).toEqual({ goes: true, unknown: 1, open: 0 });
  });

  test('that has seen another node does, without asking', async () => {
    const peers = [{ name: 'k1-worker-0', isMaster: false, ports: [] }];
    expect(await master(junk, { record: { peers } })).toEqual({ goes: true, unknown: 0, open: 0 });
  });

  test('ends what it has begun, also when it is alone', async () => {
    const nodes = [OWN];
    expect((await master(etcdOf(1), { nodes, trusted: [cas, other] })).goes).toBe(true);
    expect((await master(etcdOf(1), { nodes, record: { oldCa: { cas: 'old' } } })).goes).toBe(true);
    const ended = { oldCa: { cas: 'old', endedAt: 1 } };
    expect((await master(etcdOf(1), { nodes, record: ended })).goes).toBe(false);
  });
});

describe('a worker', () => {
  const WITH_MASTER = { KUBE_MASTER_IP: '10.0.0.9' };

  test.each([
    ['of a Kubernetes cluster does', nodeOf('worker', WITH_MASTER), true],
    ['without an address of the API does not', nodeOf('worker'), false],
    [
      'without a client certificate in a file does not',
      nodeOf('worker', WITH_MASTER, kubeadm.roles.worker),
      false,
    ],
    ['of a swarm does not', nodeOf('worker', WITH_MASTER, swarm.roles.worker), false],
  ])('%s', async (_, node, goes) => {
    const network = networkOf({});
    const { hands } = await testHands(network);
    expect(await goesByItself(node, hands, NEVER)).toBe(goes);
    expect(network.opened).toEqual([]);
  });
});

test('a manager of a swarm does not', async () => {
  const { hands } = await testHands(networkOf({}));
  expect(await goesByItself(nodeOf('master', {}, swarm.roles.master), hands, NEVER)).toBe(false);
});
