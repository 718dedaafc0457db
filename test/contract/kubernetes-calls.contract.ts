import { expect, test } from 'vitest';
import { inShop, type KubernetesBench, STRATEGIC, annotation } from './kubernetes-bench.ts';
import { askPlainly } from './kubernetes-doors.ts';

const LEASE = {
  place: '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases',
  name: 'coe-agent-workloads',
  words: 'leases.coordination.k8s.io "coe-agent-workloads"',
  details: { name: 'coe-agent-workloads', group: 'coordination.k8s.io', kind: 'leases' },
};
const lease = (resourceVersion?: string, holder = 'me') => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: {
    name: LEASE.name,
    namespace: 'kube-system',
    annotations: { x: 'y' },
    ...(resourceVersion && { resourceVersion }),
  },
  spec: { holderIdentity: holder, leaseDurationSeconds: 3600, renewTime: '2026-01-01T00:00:00.123000Z' },
});

/** The answer to each call, also to rejected ones. */
export function callsContract(bench: KubernetesBench): void {
  const { ask } = bench;

  test('a list is named after its kind, but its items are not', async () => {
    for (const [kind, list] of [
      ['deployments', 'DeploymentList'],
      ['daemonsets', 'DaemonSetList'],
      ['statefulsets', 'StatefulSetList'],
    ] as const) {
      const { status, body } = await ask('GET', inShop(kind));
      expect({ status, body }).toMatchObject({ status: 200, body: { kind: list, apiVersion: 'apps/v1' } });
      expect(body.metadata).not.toHaveProperty('continue');
      for (const item of body.items ?? []) {
        expect(item).not.toHaveProperty('kind');
        expect(item).not.toHaveProperty('apiVersion');
      }
    }
  });

  test('a page contains the requested number of items, and the number of the remaining ones', async () => {
    const first = await ask('GET', `${inShop('deployments')}?limit=3`);
    expect(first.body.items?.map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c']);
    expect(first.body.metadata).toMatchObject({ remainingItemCount: 1 });
    const token = encodeURIComponent(String(first.body.metadata?.continue));
    const last = await ask('GET', `${inShop('deployments')}?limit=3&continue=${token}`);
    expect(last.body.items?.map(({ metadata }) => metadata.name)).toEqual(['none']);
    expect(last.body.metadata).not.toHaveProperty('continue');
    expect(last.body.metadata).not.toHaveProperty('remainingItemCount');
  });

  test('a namespace without workloads, or a missing one, has an empty list', async () => {
    const { status, body } = await ask('GET', '/apis/apps/v1/namespaces/nowhere/deployments?limit=100');
    expect({ status, items: body.items }).toEqual({ status: 200, items: [] });
  });

  test('rejects an invalid continue token', async () => {
    const { status, body } = await ask('GET', `${inShop('deployments')}?limit=3&continue=rubbish`);
    expect({ status, body }).toMatchObject({ status: 400, body: { reason: 'BadRequest', code: 400 } });
  });

  test('answers 410 to an expired continue token, with a new one to continue', async () => {
    const { body } = await ask('GET', `${inShop('deployments')}?limit=3`);
    const token = encodeURIComponent(String(body.metadata?.continue));
    await bench.subject.forgetPlaces();
    const late = await ask('GET', `${inShop('deployments')}?limit=3&continue=${token}`);
    expect(late).toMatchObject({ status: 410, body: { kind: 'Status', reason: 'Expired', code: 410 } });
    expect(late.body.message).toMatch(/^The provided continue parameter is too old /);
    expect(late.body.metadata?.continue).toBeTypeOf('string');
  });

  test('names a missing object with its group, and in details', async () => {
    expect(await ask('PATCH', `${inShop('deployments')}/x`, annotation('v'), STRATEGIC)).toMatchObject({
      status: 404,
      body: {
        kind: 'Status',
        status: 'Failure',
        reason: 'NotFound',
        message: 'deployments.apps "x" not found',
        details: { name: 'x', group: 'apps', kind: 'deployments' },
      },
    });
    const map = await ask('GET', '/api/v1/namespaces/nowhere/configmaps/kube-root-ca.crt');
    expect(map.body.message).toBe('configmaps "kube-root-ca.crt" not found');
    expect(map.body.details).toEqual({ name: 'kube-root-ca.crt', kind: 'configmaps' });
  });

  test('rejects a patch in an unknown format', async () => {
    const { status, body } = await ask(
      'PATCH',
      `${inShop('deployments')}/a`,
      annotation('v'),
      'application/json',
    );
    expect({ status, body }).toMatchObject({
      status: 415,
      body: { reason: 'UnsupportedMediaType', code: 415 },
    });
    expect(body.message).toBe('415: Unsupported Media Type');
  });

  test('tells a user without rights by name what it may not do', async () => {
    const stranger = askPlainly(bench.subject.stranger);
    const all = await stranger('GET', '/apis/apps/v1/deployments?limit=100');
    expect(all).toMatchObject({
      status: 403,
      body: { reason: 'Forbidden', details: { group: 'apps', kind: 'deployments' } },
    });
    expect(all.body.message).toBe(
      'deployments.apps is forbidden: User "stranger" cannot list resource "deployments" in API group "apps" at the cluster scope',
    );
    const patch = await stranger('PATCH', `${inShop('deployments')}/a`, annotation('v'), STRATEGIC);
    expect(patch.body.message).toBe(
      'deployments.apps "a" is forbidden: User "stranger" cannot patch resource "deployments" in API group "apps" in the namespace "shop"',
    );
    const map = await stranger('GET', '/api/v1/namespaces/shop/configmaps/kube-root-ca.crt');
    expect(map.body.message).toBe(
      'configmaps "kube-root-ca.crt" is forbidden: User "stranger" cannot get resource "configmaps" in API group "" in the namespace "shop"',
    );
  });

  test('creates a lease once, replaces it by version, and creates it by a replacement', async () => {
    const path = `${LEASE.place}/${LEASE.name}`;
    const absent = await ask('GET', path);
    expect(absent).toMatchObject({
      status: 404,
      body: { message: `${LEASE.words} not found`, details: LEASE.details },
    });
    const odd = lease();
    const noMicro = { ...odd, spec: { ...odd.spec, renewTime: '2026-01-01T00:00:00Z' } };
    expect(await ask('POST', LEASE.place, noMicro)).toMatchObject({
      status: 400,
      body: { reason: 'BadRequest' },
    });

    // A replacement of a missing lease creates it, whatever version it names.
    const made = await ask('PUT', path, lease('1'));
    expect(made).toMatchObject({ status: 201, body: { kind: 'Lease', spec: lease().spec } });
    expect(await ask('POST', LEASE.place, lease())).toMatchObject({
      status: 409,
      body: { reason: 'AlreadyExists', message: `${LEASE.words} already exists`, details: LEASE.details },
    });
    expect(await ask('PUT', path, lease())).toMatchObject({
      status: 422,
      body: {
        reason: 'Invalid',
        message: `${LEASE.words} is invalid: metadata.resourceVersion: Invalid value: 0x0: must be specified for an update`,
        details: { causes: [{ reason: 'FieldValueInvalid', field: 'metadata.resourceVersion' }] },
      },
    });
    expect(await ask('PUT', path, lease('1'))).toMatchObject({
      status: 409,
      body: {
        reason: 'Conflict',
        message: `Operation cannot be fulfilled on ${LEASE.words}: the object has been modified; please apply your changes to the latest version and try again`,
        details: LEASE.details,
      },
    });
    const version = made.body.metadata?.resourceVersion;
    const next = await ask('PUT', path, lease(version, 'another'));
    expect(next).toMatchObject({ status: 200, body: { spec: { holderIdentity: 'another' } } });
    expect(next.body.metadata?.resourceVersion).not.toBe(version);
  });
}
