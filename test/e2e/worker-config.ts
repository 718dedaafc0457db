import { stringify } from 'yaml';
import type { Cluster } from '../cloud/cluster.ts';

/**
 * The agent.yaml of the machine that is the server `worker-0`, whose kubelet has no port: short polls, short waits.
 *
 * @param more keys that a test overrides
 */
export const workerConfig = (cluster: Cluster, more: Record<string, unknown> = {}): string =>
  stringify({
    collectors: ['heat'],
    heat: cluster.collectConfig('worker-0').heat,
    poll: { min_seconds: 0.1, max_seconds: 0.3 },
    layout: 'kubernetes-certs',
    keys: 'ec-p256',
    services: {
      deadline_seconds: 60,
      settle_seconds: 0.5,
      units: { kubelet: { prove: false, health: false } },
    },
    ...more,
  });
