import { join } from 'node:path';
import type { Disk } from '../../src/base/disk.ts';

/** Where os-refresh-config has its scripts, and where it had them earlier. */
const SCRIPTS = ['/usr/libexec/os-refresh-config', '/opt/stack/os-config-refresh'];
const PHASES = ['pre-configure.d', 'configure.d', 'post-configure.d', 'migration.d'];

/** Where os-apply-config has its templates. */
const TEMPLATES = ['/usr/libexec/os-apply-config/templates', '/opt/stack/os-apply-config/templates'];

/** Scripts of heat-agents and of os-collect-config itself; the agent replaces them. */
const REPLACED = new Set([
  'configure.d/20-os-apply-config',
  'configure.d/55-heat-config',
  'etc/os-collect-config.conf',
  'var/run/heat-config/heat-config',
]);

/**
 * Scripts and templates that os-collect-config had run at every change of the metadata, beside what the agent does. Those
 * of docker-cmd, docker-compose and kubelet remove what deployments that are gone have left.
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
