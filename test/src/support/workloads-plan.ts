import type { WorkloadsPlan } from '../../../src/services/workloads.ts';

/** A restart of the workloads through the API server of this node. */
export const WORKLOADS_PLAN: WorkloadsPlan = {
  host: '127.0.0.1',
  port: 6443,
  leaf: '/x',
  ca: '/x',
  identity: { certificate: '/x', key: '/x' },
  holder: 'm0',
  namespaces: ['kube-system'],
  perSecond: 2,
  deadlineMs: 600_000,
};
