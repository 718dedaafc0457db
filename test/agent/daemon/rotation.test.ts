import { describe, expect, test } from 'vitest';
import { HEAT_PARAMS } from '../../../agent/config.ts';
import { createRotationLoop } from '../../../agent/daemon/rotation.ts';
import { readNode } from '../../../agent/node.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { testHands } from '../support/hands.ts';
import { caOf, newGeneration, writeCertificates } from '../support/node.ts';
import { etcdOf, networkOf } from '../support/network.ts';

const PARAMS = [
  'CLUSTER_UUID=c1',
  'NODEGROUP_ROLE=master',
  'INSTANCE_NAME=m0',
  'KUBE_NODE_IP=10.0.0.5',
  'MAGNUM_URL=http://magnum',
  'AUTH_URL=http://keystone',
  'TRUSTEE_USER_ID=u',
  'TRUSTEE_PASSWORD=p',
  'TRUST_ID=t',
];

const cas = newGeneration();

/**
 * A first turn of the daemon of a master.
 *
 * @param workers that its API lists
 * @returns how often it asked for Magnum, and what it logged
 */
async function turn(members: number, phase?: 'all' | 'auto', params = PARAMS, workers = 0) {
  const api = createKubernetes();
  for (let index = 0; index < workers; index += 1) api.core.put('nodes', '', `w${index}`, {});
  const { cert: presents } = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]);
  const { hands, write, log } = await testHands(
    networkOf({
      '10.0.0.5:2380': { presents: '', ask: etcdOf(members) },
      '127.0.0.1:6443': { presents, ask: api.askAs('system:masters') },
    }),
  );
  let asked = 0;
  let reads = 0;
  const rotation = { ...hands.config.rotation, phase };
  const own = {
    ...hands,
    config: { ...hands.config, rotation },
    openCluster: async () => {
      asked += 1;
      return await Promise.reject(new AgentError('cloud-unreachable', 'away'));
    },
  };
  if (params.length > 0) {
    await write(HEAT_PARAMS, `${params.join('\n')}\n`, 0o600);
    await writeCertificates(await readNode(own), { write }, cas);
    await write('/etc/etcd/etcd.conf.yaml', 'listen-peer-urls: "https://10.0.0.5:2380"\n');
  }
  const disk = {
    ...own.disk,
    read: async (path: string) => {
      if (path === HEAT_PARAMS) reads += 1;
      return await own.disk.read(path);
    },
  };
  expect(await createRotationLoop({ ...own, disk }, () => 0.5).turn(true, NEVER)).toBe(false);
  expect(reads).toBeLessThanOrEqual(1);
  return { asked, unknown: logged(log, 'rotation-unknown').length };
}

describe('the first turn', () => {
  test('compares a master of several or with a worker with Magnum, or any master if configured', async () => {
    expect(await turn(3)).toEqual({ asked: 1, unknown: 1 });
    expect(await turn(1, undefined, PARAMS, 1)).toEqual({ asked: 1, unknown: 1 });
    expect(await turn(1, 'auto')).toEqual({ asked: 1, unknown: 1 });
    // Missing heat-params are logged.
    expect(await turn(3, undefined, PARAMS.slice(0, 4))).toEqual({ asked: 0, unknown: 1 });
  });

  test('compares neither the only node of a cluster nor a node with another configured phase', async () => {
    expect(await turn(1)).toEqual({ asked: 0, unknown: 0 });
    expect(await turn(3, 'all')).toEqual({ asked: 0, unknown: 0 });
  });

  test('is silent on a node that is not set up yet', async () => {
    expect(await turn(3, 'auto', [])).toEqual({ asked: 0, unknown: 0 });
  });
});

test('a call makes a worker ask Magnum soon, and only once', async () => {
  const api = createKubernetes();
  const annotations = { 'coe-agent/served-ca': 'AA:BB' };
  api.core.put('nodes', '', 'w0', { metadata: { annotations } });
  const { cert: presents } = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]);
  const ask = api.askAs('system:nodes', 'system:node:w0');
  const { hands, write, clock } = await testHands(networkOf({ '10.0.0.9:6443': { presents, ask } }));
  let asked = 0;
  const openCluster = async () => {
    asked += 1;
    return await Promise.reject(new AgentError('cloud-unreachable', 'away'));
  };
  const lines = ['NODEGROUP_ROLE=worker', 'INSTANCE_NAME=w0', 'KUBE_MASTER_IP=10.0.0.9'];
  await write(HEAT_PARAMS, `${[...PARAMS, ...lines].join('\n')}\n`, 0o600);
  await writeCertificates(await readNode(hands), { write }, cas);
  const loop = createRotationLoop({ ...hands, openCluster }, () => 0.5);
  const minutes = async (count: number): Promise<number> => {
    clock.advance(count * 60_000);
    await loop.turn(false, NEVER);
    return asked;
  };
  expect([await minutes(0), await minutes(1), await minutes(2), await minutes(5)]).toEqual([1, 1, 2, 2]);
});
