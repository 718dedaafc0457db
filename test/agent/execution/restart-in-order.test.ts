import { expect, test } from 'vitest';
import { restartInOrder } from '../../../agent/execution/restart-in-order.ts';
import { unitPlan } from '../../fakes/generation.ts';
import { createHands } from '../../fakes/hands.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';

const API = unitPlan('kube-apiserver');
const ETCD = unitPlan('etcd', { stopFirst: ['kube-apiserver'] });
const KUBELET = unitPlan('kubelet');

/** Restarts units, and notes every call of `beforeRestart`. */
async function restarting(units: readonly ReturnType<typeof unitPlan>[], broken?: string) {
  const site = await createHands({ units: ['etcd', 'kube-apiserver', 'kubelet'] });
  if (broken !== undefined) site.units.broken.add(broken);
  const prepared: string[] = [];
  const work = restartInOrder(units, site.hands, async (unit, when) => {
    prepared.push(`${unit}: ${when}`);
    await Promise.resolve();
  });
  return { ...site, prepared, work };
}

test('restarts every unit in order, and prepares for each', async () => {
  const { units, prepared, work } = await restarting([KUBELET, API]);
  const snapshots = await work;
  expect(snapshots.map(({ plan }) => plan.name)).toEqual(['kubelet', 'kube-apiserver']);
  expect(units.restarts).toEqual(['kubelet', 'kube-apiserver']);
  expect(prepared).toEqual(['kubelet: all are well', 'kube-apiserver: all are well']);
});

test('prepares once before a stop and its restart, and does not wait for other masters while a unit is stopped', async () => {
  const { units, prepared, work } = await restarting([ETCD, KUBELET, API]);
  await work;
  expect([units.stops, units.restarts]).toEqual([['kube-apiserver'], ['etcd', 'kubelet', 'kube-apiserver']]);
  expect(prepared).toEqual(['etcd: all are well', 'kubelet: at once', 'kube-apiserver: at once']);
});

test('restarts nothing after a unit that does not start', async () => {
  const { units, prepared, work } = await restarting([ETCD, KUBELET], 'etcd');
  expect(await agentErrorOf(work)).toMatchObject({ code: 'unit', reason: 'start-failed' });
  expect(units.restarts).toEqual(['etcd']);
  expect(prepared).toEqual(['etcd: all are well']);
});
