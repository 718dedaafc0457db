import { expect, test } from 'vitest';
import { takesTurns } from '../../../agent/peers/takes-turns.ts';
import type { AskApi } from '../../../src/services/kubernetes-call.ts';
import { NEVER } from '../../src/support/clock.ts';
import { testHands } from '../support/hands.ts';
import { etcdOf, networkOf } from '../support/network.ts';
import { newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const cas = newGeneration();
const junk: AskApi = async () => await Promise.resolve({ status: 404, headers: {}, text: '' });

const takes = async (
  role: 'master' | 'worker',
  {
    phase,
    etcd = etcdOf(3),
    peers = 'https://10.0.0.5:2380',
  }: { phase?: 'all' | 'auto'; etcd?: AskApi; peers?: string } = {},
): Promise<boolean> => {
  const { hands, write } = await testHands(networkOf({ '10.0.0.5:2380': { presents: '', ask: etcd } }));
  const node = nodeOf(role, { KUBE_MASTER_IP: '10.0.0.9' });
  await writeCertificates(node, { write }, cas);
  if (peers !== '') await write('/etc/etcd/etcd.conf.yaml', `listen-peer-urls: "${peers}"\n`);
  const config = { ...hands.config, rotation: { ...hands.config.rotation, phase } };
  return await takesTurns(node, { ...hands, config }, NEVER);
};

test('masters of one etcd take turns, also if theirs does not answer', async () => {
  expect(await takes('master')).toBe(true);
  expect(await takes('master', { etcd: junk })).toBe(true);
});

test('a worker takes no turn, although it goes through rotations by itself', async () => {
  expect(await takes('worker', { phase: 'auto' })).toBe(false);
});

test('a master that does not go through rotations by itself takes no turn', async () => {
  expect(await takes('master', { phase: 'all' })).toBe(false);
});

test('a master whose etcd has no peers takes no turn, whatever is configured', async () => {
  expect(await takes('master', { phase: 'auto', peers: '' })).toBe(false);
});
