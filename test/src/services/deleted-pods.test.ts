import { expect, test } from 'vitest';
import { once } from '../../../src/base/retry.ts';
import { type DeletedPod, listDeletedPods } from '../../../src/services/deleted-pods.ts';
import { ownNodeAlone } from '../../fakes/imitated-rules.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER } from '../support/clock.ts';
import { faultIn } from '../support/outcome-of.ts';

const ONCE = { baseMs: 1, capMs: 1, forMs: 0 };
const DELETED = { deletionTimestamp: '2026-11-30T12:00:30Z', deletionGracePeriodSeconds: 30 };

const { core, askAs, ...api } = createKubernetes();
const add = (name: string, metadata: Record<string, unknown>, nodeName = 'w0'): void =>
  core.put('pods', 'kube-system', name, {
    metadata: { uid: `uid-${name}`, ...metadata },
    spec: { nodeName },
  });
add('runs', {});
add('ends', DELETED);
add('ends-at-once', { ...DELETED, deletionGracePeriodSeconds: 0 });
add('waits-for-a-controller', { ...DELETED, finalizers: ['example.org/backup'] });
add('elsewhere', DELETED, 'w1');

const list = async (node: string, user = 'system:node:w0'): Promise<DeletedPod[]> =>
  await listDeletedPods(askAs('system:nodes', user), node, once, ONCE, NEVER);

test('lists the pods of one node that its kubelet has to end', async () => {
  expect(await list('w0')).toEqual([
    { uid: 'uid-ends', of: 'kube-system/ends', graceMs: 30_000 },
    { uid: 'uid-ends-at-once', of: 'kube-system/ends-at-once', graceMs: 0 },
  ]);
  expect(await list('w2')).toEqual([]);
});

test('imitated, Kubernetes 1.32: asks nothing that a kubelet may not read', async () => {
  const strict = createKubernetes();
  strict.instead = ownNodeAlone;
  const ask = strict.askAs('system:nodes', 'system:node:w0');
  expect(await listDeletedPods(ask, 'w0', once, ONCE, NEVER)).toEqual([]);
  expect(await faultIn(listDeletedPods(ask, 'w1', once, ONCE, NEVER))).toMatchObject({
    code: 'cloud-refused',
    reason: 'http-403',
  });
});

test('reports that a user may not list pods', async () => {
  const ask = askAs('system:authenticated', 'stranger');
  expect(await faultIn(listDeletedPods(ask, 'w0', once, ONCE, NEVER))).toMatchObject({
    code: 'cloud-refused',
  });
  expect(api.asked.at(-1)?.path).toContain('fieldSelector=spec.nodeName%3Dw0');
});
