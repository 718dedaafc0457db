import { chmod, chown } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { EVENTS } from '../../agent/events.ts';
import { collectorOf } from '../../agent/compose/collectors.ts';
import { connectionOf } from '../../agent/compose/connection.ts';
import { CONFIG_PATH, HEAT_PARAMS, loadConfig } from '../../agent/config.ts';
import { readParamsIfThere } from '../../agent/node.ts';
import type { Disk } from '../../src/base/disk.ts';
import { createLog } from '../../src/base/log.ts';
import { createSecrets } from '../../src/base/secrets.ts';
import { driveReader } from '../../src/metadata/config-drive.ts';
import { systemClock } from '../../src/base/clock.ts';
import { NEVER } from '../src/support/clock.ts';
import { agentErrorOf } from '../src/support/outcome-of.ts';
import { tempRoot } from '../src/support/temp-root.ts';

/** Files that decide which code and which paths root uses, and which cloud it trusts. */
const secrets = createSecrets();
const log = createLog({
  events: EVENTS,
  level: 'error',
  style: 'json',
  secrets,
  write: () => undefined,
});

const load = async (disk: Disk): Promise<unknown> => await loadConfig(disk, CONFIG_PATH, () => undefined);

/** The reader of each file. */
const readers: Record<string, (disk: Disk, path: string) => Promise<unknown>> = {
  [CONFIG_PATH]: load,
  '/etc/coe-agent/agent.d/10.yaml': load,
  '/etc/coe-agent/layouts.d/own.yaml': async (disk) => {
    await disk.create(CONFIG_PATH, '', {});
    return await load(disk);
  },
  '/etc/os-collect-config.conf': load,
  [HEAT_PARAMS]: async (disk, path) =>
    await readParamsIfThere({ disk, secrets, config: { ...(await configOf(disk)), heat_params: path } }),
  '/etc/kubernetes/ca-bundle.crt': async (disk) =>
    await connectionOf(await configOf(disk), new Map(), {}, { disk, log, secrets }),
  '/var/lib/heat-cfntools/cfn-metadata-server': async (disk, path) => {
    const cfn = {
      heat_metadata_hint: path,
      stack_name: 's',
      path: ['r.Metadata'],
      access_key_id: 'k',
      secret_access_key: 's',
    };
    return await collectorOf('cfn', { ...(await configOf(disk)), cfn }, hands(disk)).collect(NEVER);
  },
  '/mnt/config/ec2/latest/meta-data.json': async (disk) =>
    await driveReader(disk, ['/mnt/config'], async () => await Promise.resolve(undefined))(NEVER),
};

const unasked = (): never => {
  throw new Error('the cloud is not asked');
};
const hands = (disk: Disk): Parameters<typeof collectorOf>[2] => ({
  disk,
  clock: systemClock,
  readServer: unasked,
  readField: unasked,
  openTempUrl: unasked,
  openQueue: unasked,
  readDrive: unasked,
  readItem: unasked,
});

/** Loads a configuration of defaults from another directory. */
const configOf = async (disk: Disk): Promise<Awaited<ReturnType<typeof loadConfig>>> => {
  await disk.makeDirectory('/own', { mode: 0o755 });
  if (!(await disk.info('/own/agent.yaml'))) await disk.create('/own/agent.yaml', '', {});
  return await loadConfig(disk, '/own/agent.yaml', () => undefined);
};

const spoil: Record<string, (at: string) => Promise<void>> = {
  'can be written by others': async (at) => {
    await chmod(at, 0o664);
  },
  'belongs to another user': async (at) => {
    await chown(at, 12_345, 0);
  },
  'lies in a directory that others can write': async (at) => {
    await chmod(dirname(at), 0o777);
  },
};

test.each(Object.keys(readers).flatMap((path) => Object.keys(spoil).map((fault) => [path, fault] as const)))(
  'rejects and reports %s that %s',
  async (path, fault) => {
    const { disk, write, at } = await tempRoot();
    await write(path, '');
    await spoil[fault]?.(at(path));
    const error = await agentErrorOf(readers[path]?.(disk, path) ?? Promise.resolve());
    expect(error.reason).toBe('untrusted-file');
    expect(error.message).toContain(`${path}: `);
  },
);
