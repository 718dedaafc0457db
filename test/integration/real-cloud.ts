import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import * as v from 'valibot';

/**
 * A real cloud in `COE_CLOUD_STATE`, made by `scripts/cloud up`, seeded by `scripts/cloud seed`, and driven by the
 * ordinary `openstack` client.
 */

const run = promisify(execFile);

const state = (): string => {
  const folder = process.env['COE_CLOUD_STATE'];
  if (!folder) throw new Error('COE_CLOUD_STATE names no cloud: scripts/cloud up --state DIR makes one');
  return folder;
};

const Seed = v.object({
  cluster: v.object({ uuid: v.string(), name: v.string() }),
  stack: v.object({ name: v.string(), id: v.string() }),
  heat_params: v.record(v.string(), v.string()),
  servers: v.array(
    v.object({
      name: v.string(),
      role: v.picklist(['master', 'worker']),
      os_collect_config: v.looseObject({ heat: v.optional(v.record(v.string(), v.string())) }),
    }),
  ),
});
export type Seed = v.InferOutput<typeof Seed>;

export async function seed(name: string, ...options: string[]): Promise<Seed> {
  const { stdout } = await run('scripts/cloud', ['seed', '--state', state(), '--name', name, ...options]);
  return v.parse(Seed, JSON.parse(stdout));
}

/** Runs a program with the login of the cluster's owner. */
export const asOwner = async (...command: string[]): Promise<{ stdout: string }> =>
  await run('bash', ['-c', 'eval "$(scripts/cloud env --state "$0")" && exec "$@"', state(), ...command]);

/** Runs the `openstack` client as the cluster's owner. */
export async function openstack(...args: string[]): Promise<string> {
  // The client prints a traceback of Python's logging at exit, so only stdout is read.
  return (await asOwner('openstack', ...args)).stdout.trim();
}

/** Returns the id of a server, or of another resource in a stack. */
export async function physicalId(stack: string, resource: string): Promise<string> {
  const show = ['stack', 'resource', 'show', stack, resource, '-f', 'value'];
  return await openstack(...show, '-c', 'physical_resource_id');
}

/** Kills one of the cloud's services, as if its machine had failed. */
export async function stopService(name: string): Promise<void> {
  const [pid = ''] = (await readFile(join(state(), 'pid', name), 'utf8')).split(' ');
  // Each is the leader of a process group of its own.
  process.kill(-Number(pid), 'SIGKILL');
}

/** Starts missing services. */
export async function startServices(): Promise<void> {
  await run('scripts/cloud', ['up', '--state', state()]);
}

/** Polls a status until it is final, and returns it. */
export async function settledStatus(ask: () => Promise<string>, forMs = 180_000): Promise<string> {
  const deadline = performance.now() + forMs;
  for (;;) {
    const status = await ask();
    if (!status.endsWith('_IN_PROGRESS') || performance.now() > deadline) return status;
    // The service only answers queries: nothing notifies of the end.
    await delay(1000);
  }
}

export const stackStatus = async (name: string): Promise<string> =>
  await openstack('stack', 'show', name, '-f', 'value', '-c', 'stack_status');

export const clusterStatus = async (uuid: string): Promise<string> =>
  await openstack('coe', 'cluster', 'show', uuid, '-f', 'value', '-c', 'status');
