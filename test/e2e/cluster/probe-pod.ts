import { kubectl } from './magnum-cluster.ts';

const NAME = 'probe';
const SPEC = { spec: { nodeSelector: { 'magnum.openstack.org/role': 'worker' } } };
const SETTINGS = [
  '--image=localhost/busybox:1',
  '--image-pull-policy=Never',
  '--restart=Never',
  `--overrides=${JSON.stringify(SPEC)}`,
];

/** A pod on a worker, asked through the API server. */
export type ProbePod = {
  log(): Promise<string>;
  exec(...command: string[]): Promise<string>;
  close(): Promise<void>;
};

/** Starts a pod that prints `started`, and waits until it is Ready. */
export async function startProbePod(): Promise<ProbePod> {
  await kubectl(['run', NAME, ...SETTINGS, '--command', '--', 'sh', '-c', 'echo started; sleep 3600']);
  const close = async (): Promise<void> => {
    await kubectl(['delete', 'pod', NAME, '--wait=false', '--grace-period=0', '--force']);
  };
  try {
    await kubectl(['wait', '--for=condition=Ready', `pod/${NAME}`, '--timeout=120s']);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    log: async () => await kubectl(['logs', NAME]),
    exec: async (...command) => await kubectl(['exec', NAME, '--', ...command]),
    close,
  };
}
