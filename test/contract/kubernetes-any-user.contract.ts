import { expect, test } from 'vitest';
import { readLeader, readRenewal } from '../../src/services/leadership.ts';
import { eventually } from '../scenarios/support/eventually.ts';
import type { KubernetesBench } from './kubernetes-bench.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
const LOCK = { namespace: 'kube-system', name: 'kube-controller-manager' };

/** Requests that prove a unit: two paths that any user may read, and a leader's lease. */
export function anyUserContract(bench: KubernetesBench): void {
  const { ask, abort } = bench;
  const asStranger = async (path: string) =>
    await bench.subject.stranger({ what: path, method: 'GET', path, abort });
  const get = async (path: string) => await bench.subject.admin({ what: path, method: 'GET', path, abort });

  test('a user without rights may read /api and /readyz', async () => {
    const api = await asStranger('/api');
    expect(api.status).toBe(200);
    expect(JSON.parse(api.text)).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    expect(await asStranger('/readyz')).toMatchObject({ status: 200, text: 'ok' });
  });

  test("a leader's lease names its host and a suffix of its own, and is renewed", async () => {
    const { status, body } = await ask('GET', `${LEASES}/${LOCK.name}`);
    expect({ status, kind: body.kind }).toEqual({ status: 200, kind: 'Lease' });
    const [host, own] = String(body.spec?.['holderIdentity']).split(/_(?=[^_]*$)/);
    expect(host).toBe(bench.subject.leader);
    expect(own).toMatch(/^[0-9a-f-]+$/);
    // MicroTime
    expect(body.spec?.['renewTime']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(await readLeader(LOCK, get)).toBe(body.spec?.['holderIdentity']);
    const first = await readRenewal(LOCK, get);
    await eventually('it is renewed', async () => (await readRenewal(LOCK, get)) !== first);
  });

  test('a missing lease is named in the answer, and has no leader', async () => {
    expect(await ask('GET', `${LEASES}/nowhere`)).toMatchObject({
      status: 404,
      body: { message: 'leases.coordination.k8s.io "nowhere" not found' },
    });
    expect(await readLeader({ ...LOCK, name: 'nowhere' }, get)).toBeUndefined();
  });

  test('a user without rights may not read the leader', async () => {
    const { status, text } = await asStranger(`${LEASES}/${LOCK.name}`);
    expect(status).toBe(403);
    expect(JSON.parse(text)).toMatchObject({
      reason: 'Forbidden',
      message:
        'leases.coordination.k8s.io "kube-controller-manager" is forbidden: User "stranger" cannot get resource "leases" in API group "coordination.k8s.io" in the namespace "kube-system"',
    });
  });
}
