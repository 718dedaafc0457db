import { expect, test } from 'vitest';
import { createRetry } from '../../../src/base/retry.ts';
import { createKubernetes as open, LEASE_SECONDS } from '../../../src/services/kubernetes.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER, testClock } from '../support/clock.ts';
import { faultIn } from '../support/outcome-of.ts';

/** Makes a cluster with workloads in two namespaces. */
function setUp() {
  const api = createKubernetes();
  api.add('deployments', 'kube-system', 'coredns', { replicas: 2 });
  api.add('deployments', 'default', 'web');
  api.add('daemonsets', 'kube-system', 'flannel');
  const retry = createRetry({ clock: testClock(), random: () => 1, onRetry: () => undefined });
  const kubernetes = open(api.askAs('system:masters'), retry, { baseMs: 1, capMs: 1, forMs: 1 });
  return { api, kubernetes };
}

test('lists the workloads of one kind, in one namespace or in all', async () => {
  const { kubernetes } = setUp();
  const all = await kubernetes.list('deployments', undefined, NEVER);
  expect(all.map(({ kind, metadata: { namespace, name } }) => [kind, namespace, name])).toEqual([
    ['deployments', 'default', 'web'],
    ['deployments', 'kube-system', 'coredns'],
  ]);
  const [coredns, ...others] = await kubernetes.list('deployments', 'kube-system', NEVER);
  expect([coredns?.spec.replicas, coredns?.spec.paused, others]).toEqual([2, false, []]);
});

test("annotates the pods of a workload, and keeps the template's other annotations", async () => {
  const { api, kubernetes } = setUp();
  const [flannel] = await kubernetes.list('daemonsets', undefined, NEVER);
  if (!flannel) throw new Error('the cluster has a DaemonSet');
  expect(await kubernetes.annotatePods(flannel, 'a', '1', NEVER)).toBe(true);
  expect(await kubernetes.annotatePods(flannel, 'b', '2', NEVER)).toBe(true);
  expect(api.annotations('kube-system', 'flannel')).toEqual({ a: '1', b: '2' });
  const gone = { ...flannel, metadata: { ...flannel.metadata, name: 'gone' } };
  expect(await kubernetes.annotatePods(gone, 'a', '1', NEVER)).toBe(false);
});

test('holds its own lease for an hour', async () => {
  const { api, kubernetes } = setUp();
  expect(await kubernetes.readLease(NEVER)).toBeUndefined();
  const lease = { version: undefined, annotations: { a: '1' }, holder: 'm0', until: 3_600_000 };
  expect(await kubernetes.writeLease(lease, NEVER)).toBe(true);
  expect(api.lease).toMatchObject({ holder: 'm0', annotations: { a: '1' } });
  const written = api.asked.find(({ method }) => method === 'POST');
  expect(JSON.parse(written?.body ?? '')).toMatchObject({ spec: { leaseDurationSeconds: LEASE_SECONDS } });
  // Written by another master since it was read.
  expect(await kubernetes.writeLease(lease, NEVER)).toBe(false);
});

test('reads the CAs that pods of a namespace get, and tells an empty config map from a missing one', async () => {
  const { api, kubernetes } = setUp();
  expect(await kubernetes.podsCa('kube-system', NEVER)).toBeUndefined();
  api.podsCa = 'PEM';
  expect(await kubernetes.podsCa('kube-system', NEVER)).toBe('PEM');
  api.instead = () => ({ status: 200, body: { kind: 'ConfigMap', data: null } });
  expect(await kubernetes.podsCa('kube-system', NEVER)).toBe('');
});

test('rejects an answer of another shape', async () => {
  const { api, kubernetes } = setUp();
  api.instead = () => ({ status: 200, body: { items: [{ metadata: {} }] } });
  expect(await faultIn(kubernetes.list('deployments', undefined, NEVER))).toMatchObject({
    code: 'bad-answer',
  });
});
