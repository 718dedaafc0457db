import { expect, test } from 'vitest';
import { type Get, readRenewal } from '../../../src/services/leadership.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const LEASE = { namespace: 'kube-system', name: 'kube-scheduler' };
const PATH = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler';

/** An API that has these objects; whatever else is asked is 404. */
const api =
  (objects: Record<string, unknown>): Get =>
  async (path) =>
    await Promise.resolve(
      path in objects ? { status: 200, text: JSON.stringify(objects[path]) } : { status: 404, text: '{}' },
    );

const lease = (holderIdentity: string | null, renewTime: string): unknown => ({
  spec: { holderIdentity, leaseDurationSeconds: 15, renewTime },
});

const read = async (...said: Parameters<typeof lease>): Promise<string | undefined> =>
  await readRenewal(LEASE, api({ [PATH]: lease(...said) }));

test('another holder, or another time, is another text', async () => {
  const first = await read('m0_1', '2026-11-28T10:00:00.000000Z');
  expect(await read('m0_1', '2026-11-28T10:00:00.000000Z')).toBe(first);
  expect(await read('m0_1', '2026-11-28T10:00:02.000000Z')).not.toBe(first);
  expect(await read('m1_1', '2026-11-28T10:00:00.000000Z')).not.toBe(first);
  expect(await read(null, '2026-11-28T10:00:00.000000Z')).not.toBe(first);
});

test.each(['endpoints', 'configmaps'])('before 1.20 the leader may be noted at %s', async (kind) => {
  const said = '{"holderIdentity":"m0_1","renewTime":"2026-11-28T10:00:00Z"}';
  const annotations = { 'control-plane.alpha.kubernetes.io/leader': said };
  const path = `/api/v1/namespaces/kube-system/${kind}/kube-scheduler`;
  expect(await readRenewal(LEASE, api({ [path]: { metadata: { annotations } } }))).toBe(said);
});

test('what is not there, or is hidden from the unit, is nothing', async () => {
  expect(await readRenewal(LEASE, api({}))).toBeUndefined();
  expect(
    await readRenewal(LEASE, async () => await Promise.resolve({ status: 403, text: '' })),
  ).toBeUndefined();
  expect(await readRenewal(LEASE, async () => await Promise.resolve(undefined))).toBeUndefined();
});

test('an answer that is no lease is asked for again', async () => {
  expect((await agentErrorOf(readRenewal(LEASE, api({ [PATH]: 'x' })))).code).toBe('not-yet');
});
