import { join } from 'node:path';
import type { Disk } from '../../src/base/disk.ts';

/** Script directories of os-refresh-config, present and former. */
const SCRIPTS = ['/usr/libexec/os-refresh-config', '/opt/stack/os-config-refresh'];
const PHASES = ['pre-configure.d', 'configure.d', 'post-configure.d', 'migration.d'];

/** Template directories of os-apply-config. */
const TEMPLATES = ['/usr/libexec/os-apply-config/templates', '/opt/stack/os-apply-config/templates'];

/** Scripts of heat-agents and of os-collect-config itself, which the agent replaces. */
const REPLACED = new Set([
  'configure.d/20-os-apply-config',
  'configure.d/55-heat-config',
  'etc/os-collect-config.conf',
  'var/run/heat-config/heat-config',
]);

/**
 * Lists scripts and templates that os-collect-config ran at every change of the metadata and that the agent does not
 * replace. Those of docker-cmd, docker-compose and kubelet remove the remains of deleted deployments.
 */
export async function orphanedScripts(disk: Disk): Promise<string[]> {
  const scripts = SCRIPTS.flatMap((place) => PHASES.map((phase) => filesBelow(disk, place, phase)));
  const templates = TEMPLATES.map((place) => filesBelow(disk, place, ''));
  const found = await Promise.all([...scripts, ...templates]);
  return found.flat();
}

async function filesBelow(disk: Disk, place: string, within: string): Promise<string[]> {
  const files: string[] = [];
  for (const name of await disk.list(join(place, within))) {
    const path = join(within, name);
    const type = (await disk.info(join(place, path)))?.type;
    if (type === 'directory') files.push(...(await filesBelow(disk, place, path)));
    else if (type !== undefined && !REPLACED.has(path)) files.push(join(place, path));
  }
  return files;
}
