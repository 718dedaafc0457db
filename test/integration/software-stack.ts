import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { openstack, settledStatus } from './real-cloud.ts';

/** A stack with one server, named `server`, whose deployments a test answers. */
export type SoftwareStack = {
  name: string;
  /** The polling configuration of the server's agent. */
  collectConfig: { heat: Record<string, string> };
  close(): Promise<void>;
};

/** A deployment of a config of the same template. */
export const deployment = (config: string, more: Record<string, unknown> = {}) => ({
  type: 'OS::Heat::SoftwareDeployment',
  properties: {
    server: { get_resource: 'server' },
    config: { get_resource: config },
    signal_transport: 'HEAT_SIGNAL',
    ...more,
  },
});

export const SERVER = {
  type: 'OS::Heat::DeployedServer',
  properties: { name: 'server', software_config_transport: 'POLL_SERVER_HEAT' },
};

/** Makes Heat create the stack, which waits for the answers of its deployments. */
export async function startStack(prefix: string, template: unknown): Promise<SoftwareStack> {
  const name = `${prefix}-${Date.now().toString(36)}`;
  const folder = await mkdtemp(join(tmpdir(), 'coe-stack-'));
  try {
    await writeFile(join(folder, 'template.json'), JSON.stringify(template));
    await openstack('stack', 'create', '--template', join(folder, 'template.json'), name);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return {
    name,
    collectConfig: await settledServer(name),
    close: async () => {
      await openstack('stack', 'delete', '--yes', '--wait', name);
    },
  };
}

const NOT_YET = 'CREATE_IN_PROGRESS';

const Shown = v.object({
  attributes: v.object({ os_collect_config: v.object({ heat: v.record(v.string(), v.string()) }) }),
});

/** Waits until Heat has created the server, and returns its agent's polling configuration. */
async function settledServer(stack: string): Promise<{ heat: Record<string, string> }> {
  const show = ['stack', 'resource', 'show', stack, 'server'];
  const status = async (): Promise<string> => {
    // At first the engine has not stored the resource, or has not started it.
    const now = await openstack(...show, '-f', 'value', '-c', 'resource_status').catch(() => NOT_YET);
    return now === 'INIT_COMPLETE' ? NOT_YET : now;
  };
  const ended = await settledStatus(status);
  if (ended !== 'CREATE_COMPLETE') throw new Error(`the server of ${stack} is ${ended}`);
  const shown = await openstack(...show, '--with-attr', 'os_collect_config', '-f', 'json');
  return v.parse(Shown, JSON.parse(shown)).attributes.os_collect_config;
}
