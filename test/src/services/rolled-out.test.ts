import { expect, test } from 'vitest';
import type { Workload } from '../../../src/services/kubernetes.ts';
import { type Lack, whyItWaits, whyNotRolledOut } from '../../../src/services/rolled-out.ts';

/** A lack without its message. */
type Facts = Pick<Lack, 'code'> & { count?: number; wanted?: number };

/** Statuses of a roll-out as Kubernetes reports them, with the result of `kubectl rollout status`. */
const workload = (
  kind: Workload['kind'],
  spec: Partial<Workload['spec']>,
  status: Workload['status'],
): Workload => ({
  kind,
  metadata: { namespace: 'n', name: 'w', generation: 5 },
  spec: { paused: false, template: {}, ...spec },
  status: { observedGeneration: 5, ...status },
});

test.each<[string, Workload, Facts | undefined]>([
  [
    'an outdated status',
    workload(
      'deployments',
      {},
      { observedGeneration: 4, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
    ),
    { code: 'unobserved' },
  ],
  ['no status yet', workload('deployments', {}, {}), { code: 'new', count: 0, wanted: 1 }],
  [
    'some new',
    workload('deployments', { replicas: 3 }, { replicas: 4, updatedReplicas: 2 }),
    { code: 'new', count: 2, wanted: 3 },
  ],
  [
    'old ones left',
    workload('deployments', { replicas: 3 }, { replicas: 4, updatedReplicas: 3, availableReplicas: 3 }),
    { code: 'old', count: 1 },
  ],
  [
    'not available',
    workload('deployments', { replicas: 3 }, { replicas: 3, updatedReplicas: 3, availableReplicas: 2 }),
    { code: 'available', count: 2, wanted: 3 },
  ],
  [
    'done',
    workload('deployments', { replicas: 3 }, { replicas: 3, updatedReplicas: 3, availableReplicas: 3 }),
    undefined,
  ],
  ['none wanted', workload('deployments', { replicas: 0 }, {}), undefined],
  [
    'a daemon set with old pods',
    workload('daemonsets', {}, { desiredNumberScheduled: 3, updatedNumberScheduled: 1, numberAvailable: 3 }),
    { code: 'new', count: 1, wanted: 3 },
  ],
  [
    'one whose pods are not available',
    workload('daemonsets', {}, { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 }),
    { code: 'available', count: 2, wanted: 3 },
  ],
  [
    'one that is done',
    workload('daemonsets', {}, { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 }),
    undefined,
  ],
  ['one without nodes', workload('daemonsets', {}, {}), undefined],
  [
    'a stateful set',
    workload('statefulsets', { replicas: 3 }, { updatedReplicas: 2, readyReplicas: 3 }),
    { code: 'new', count: 2, wanted: 3 },
  ],
  [
    'one that is not ready',
    workload('statefulsets', { replicas: 3 }, { updatedReplicas: 3, readyReplicas: 2 }),
    { code: 'ready', count: 2, wanted: 3 },
  ],
  [
    'one with a partition',
    workload(
      'statefulsets',
      { replicas: 3, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } },
      { updatedReplicas: 1, readyReplicas: 3 },
    ),
    undefined,
  ],
])('%s', (_, one, lack) => {
  const found = whyNotRolledOut(one);
  if (lack === undefined) expect(found).toBeUndefined();
  else expect(found).toMatchObject(lack);
});

test('reports workloads that wait for a person', () => {
  expect(whyItWaits(workload('deployments', { paused: true }, {}))).toMatchObject({ code: 'paused' });
  for (const kind of ['daemonsets', 'statefulsets'] as const) {
    expect(whyItWaits(workload(kind, { updateStrategy: { type: 'OnDelete' } }, {}))).toMatchObject({
      code: 'on-delete',
    });
    expect(whyItWaits(workload(kind, { updateStrategy: { type: 'RollingUpdate' } }, {}))).toBeUndefined();
  }
  expect(whyItWaits(workload('deployments', {}, {}))).toBeUndefined();
});
