import { vi } from 'vitest';
import { kubectl, type Node } from './magnum-cluster.ts';

const NAME = 'probe';
/** As the description of a load names it. */
export const PROBE_POD = { namespace: 'default', name: NAME };
/** It stays on its node while the node is not reachable. */
const specOn = (nodeSelector: Record<string, string>) => ({
  spec: { nodeSelector, tolerations: [{ operator: 'Exists' }] },
});
const ANY_WORKER = { 'magnum.openstack.org/role': 'worker' };
const SETTINGS = ['--image=localhost/busybox:1', '--image-pull-policy=Never', '--restart=Never'];

/** A pod on a worker, used through the API server. */
export type ProbePod = {
  /** The token that it has mounted since its start. */
  token: string;
  log(): Promise<string>;
  exec(...command: string[]): Promise<string>;
  close(): Promise<void>;
};

/** A kubelet asks the API server for authorization, which may time out at first on a busy machine. */
const soon = async (args: readonly string[]): Promise<string> =>
  await vi.waitFor(async () => await kubectl(args), { timeout: 60_000, interval: 1000 });

const exec = async (...command: string[]): Promise<string> => await soon(['exec', NAME, '--', ...command]);

/** The token that a program in the pod reads. */
export const mountedToken = async (): Promise<string> =>
  await exec('cat', '/var/run/secrets/kubernetes.io/serviceaccount/token');

/** Starts a pod on this node, or on any worker, that prints `started`, and waits until it is Ready. */
export async function startProbePod(node?: Node): Promise<ProbePod> {
  const spec = specOn(node ? { 'kubernetes.io/hostname': node.name } : ANY_WORKER);
  const settings = [...SETTINGS, `--overrides=${JSON.stringify(spec)}`];
  await kubectl(['run', NAME, ...settings, '--command', '--', 'sh', '-c', 'echo started; sleep 3600']);
  const close = async (): Promise<void> => {
    await kubectl(['delete', 'pod', NAME, '--wait=false', '--grace-period=0', '--force']);
  };
  try {
    await kubectl(['wait', '--for=condition=Ready', `pod/${NAME}`, '--timeout=120s']);
    return { token: await mountedToken(), log: async () => await soon(['logs', NAME]), exec, close };
  } catch (error) {
    await close();
    throw error;
  }
}
