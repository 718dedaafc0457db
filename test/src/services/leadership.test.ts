import { expect, test } from 'vitest';
import { type Get, readRenewal } from '../../../src/services/leadership.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const LEASE = { namespace: 'kube-system', name: 'kube-scheduler' };
const PATH = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler';

/** Makes an API with these objects; other requests get 404. */
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

test('returns another text for another holder or time', async () => {
  const first = await read('m0_1', '2026-11-28T10:00:00.000000Z');
  expect(await read('m0_1', '2026-11-28T10:00:00.000000Z')).toBe(first);
  expect(await read('m0_1', '2026-11-28T10:00:02.000000Z')).not.toBe(first);
  expect(await read('m1_1', '2026-11-28T10:00:00.000000Z')).not.toBe(first);
  expect(await read(null, '2026-11-28T10:00:00.000000Z')).not.toBe(first);
});

test.each(['endpoints', 'configmaps'])('finds the leader before 1.20 also in %s', async (kind) => {
  const said = '{"holderIdentity":"m0_1","renewTime":"2026-11-28T10:00:00Z"}';
  const annotations = { 'control-plane.alpha.kubernetes.io/leader': said };
  const path = `/api/v1/namespaces/kube-system/${kind}/kube-scheduler`;
  expect(await readRenewal(LEASE, api({ [path]: { metadata: { annotations } } }))).toBe(said);
});

test('treats a missing or forbidden object as no leader', async () => {
  expect(await readRenewal(LEASE, api({}))).toBeUndefined();
  expect(
    await readRenewal(LEASE, async () => await Promise.resolve({ status: 403, text: '' })),
  ).toBeUndefined();
  expect(await readRenewal(LEASE, async () => await Promise.resolve(undefined))).toBeUndefined();
});

test('asks again after a malformed answer', async () => {
  expect((await agentErrorOf(readRenewal(LEASE, api({ [PATH]: 'x' })))).code).toBe('not-yet');
});
