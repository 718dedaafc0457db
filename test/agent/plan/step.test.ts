import { expect, test } from 'vitest';
import { restartsOf, stepsOfTail } from '../../../agent/plan/step.ts';
import { unitPlan } from '../../fakes/generation.ts';

const API = unitPlan('kube-apiserver');
const ETCD = unitPlan('etcd', { stopFirst: ['kube-apiserver', 'not-here'] });
const KUBELET = unitPlan('kubelet');

test('stops a unit before the restart of the one that it needs, and starts it in its own turn', () => {
  expect(restartsOf([ETCD, KUBELET, API])).toEqual([
    { do: 'stop', unitPlan: API, before: 'etcd' },
    { do: 'restart', unitPlan: ETCD },
    { do: 'restart', unitPlan: KUBELET },
    { do: 'restart', unitPlan: API },
  ]);
});

test('does not stop a unit that has been restarted already, or never is: it would stay stopped', () => {
  expect(restartsOf([API, ETCD])).toEqual([
    { do: 'restart', unitPlan: API },
    { do: 'restart', unitPlan: ETCD },
  ]);
  expect(restartsOf([ETCD])).toEqual([{ do: 'restart', unitPlan: ETCD }]);
});

test('replaces the files, restarts the units, proves the lists, and only then restarts workloads', () => {
  const list = { unitPlan: ETCD, file: '/crl', rereads: true };
  const plan = {
    host: '127.0.0.1',
    port: 6443,
    leaf: '/l',
    ca: '/c',
    identity: { certificate: '/c', key: '/k' },
    holder: 'm0',
    namespaces: [],
    perSecond: 1,
    deadlineMs: 1,
  };
  expect(stepsOfTail([KUBELET], [list], plan).map((step) => step.do)).toEqual([
    'replace',
    'restart',
    'prove-list',
    'restart-workloads',
  ]);
  expect(stepsOfTail([])).toEqual([{ do: 'replace' }]);
});
