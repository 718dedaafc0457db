import { expect, test } from 'vitest';
import { createRetry } from '../../../src/base/retry.ts';
import { listLonePods } from '../../../src/services/lone-pods.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER, testClock } from '../support/clock.ts';

const patience = { baseMs: 1, capMs: 1, forMs: 1 };

test('lists running pods without a workload, and names the Job of a pod', async () => {
  const api = createKubernetes();
  const put = (name: string, kind: string | undefined, phase = 'Running', isController = true): void => {
    const ownerReferences =
      kind === undefined ? undefined : [{ kind, name: 'owner', controller: isController }];
    api.core.put('pods', 'shop', name, {
      metadata: { ...(ownerReferences && { ownerReferences }) },
      spec: {},
      status: { phase, ...(phase === 'Running' && { startTime: '2026-01-01T00:00:00Z' }) },
    });
  };
  put('bare', undefined);
  put('waiting', undefined, 'Pending');
  put('ended', undefined, 'Succeeded');
  put('of-job', 'Job');
  put('of-node', 'Node');
  put('of-other', 'ReplicaSet', 'Running', false);
  for (const kind of ['ReplicaSet', 'DaemonSet', 'StatefulSet']) put(`of-${kind}`.toLowerCase(), kind);
  const retry = createRetry({ clock: testClock(), random: () => 1, onRetry: () => undefined });
  const found = await listLonePods(api.askAs('system:masters'), retry, patience, NEVER);
  const started = Date.UTC(2026, 0, 1);
  expect(Object.fromEntries(found.map(({ of, startedAt }) => [of, startedAt]))).toEqual({
    'job shop/owner': started,
    'pod shop/bare': started,
    'pod shop/of-node': started,
    'pod shop/of-other': started,
    'pod shop/waiting': undefined,
  });
});
