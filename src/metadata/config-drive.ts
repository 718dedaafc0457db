import { execFile } from 'node:child_process';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Disk } from '../base/disk.ts';
import { AgentError, explain } from '../base/errors.ts';
import { createDisk } from '../base/real-disk.ts';
import { readTrusted } from '../base/trust.ts';
import { isObject } from '../base/json.ts';
import type { Collector } from './collector.ts';

/** Where Nova stores the EC2 metadata on a config drive; the predecessor reads the same file. */
const FILE = 'ec2/latest/meta-data.json';
/** mkfs.vfat may turn the first label into the second; cloud-init looks for both. */
const LABELS = ['config-2', 'CONFIG-2'];

/** Reads the config drive; returns the text of a JSON object, or undefined if the node has none. */
export type ReadDrive = (abort: AbortSignal) => Promise<string | undefined>;

/** Collects the node's config drive (collector `config_drive`). It does not change while the node runs. */
export function configDriveCollector(read: ReadDrive): Collector {
  let known: string | undefined;
  return {
    name: 'config_drive',
    collect: async (abort) => {
      known ??= await read(abort);
      return known === undefined ? [] : [{ source: 'config drive', text: known }];
    },
  };
}

/**
 * Reads the config drive from the first of `places` that has it, mounted or copied, or else with `look`.
 *
 * @throws `bad-metadata` if it is found only where users other than root can change it, or behind a symlink: config
 * drives have none, and the creator of the volume could choose which of root's files is read
 */
export const driveReader =
  (disk: Disk, places: readonly string[], look: ReadDrive): ReadDrive =>
  async (abort) => {
    let fault: AgentError | undefined;
    for (const place of places)
      try {
        const path = join(await disk.resolve(place), FILE);
        if ((await disk.resolve(path)) !== path)
          throw new AgentError('bad-metadata', `reading ${path}: not following a symlink of a config drive`, {
            reason: 'symlink-not-followed',
          });
        const found = await readTrusted(disk, path, 'bad-metadata');
        if (found !== undefined) return found;
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        fault ??= error;
      }
    const found = await look(abort);
    if (found === undefined && fault) throw fault;
    return found;
  };

const run = promisify(execFile);

/**
 * Mounts this machine's config drive briefly and read-only, in a private directory.
 *
 * @throws `not-yet` if it exists but cannot be mounted or read
 */
export const readByLabel: ReadDrive = async (abort) => {
  const place = await mkdtemp(join(tmpdir(), 'coe-config-drive-'));
  try {
    if (!(await mount(place, abort))) return undefined;
    try {
      return (await createDisk(place).read(`/${FILE}`)).toString('utf8');
    } finally {
      await run('umount', [place]);
    }
  } catch (cause) {
    throw new AgentError('not-yet', `reading the config drive (${LABELS[0]}): ${explain(cause)}`, { cause });
  } finally {
    await rmdir(place).catch(() => undefined);
  }
};

/** Returns false if there is no such file system. */
async function mount(place: string, abort: AbortSignal): Promise<boolean> {
  for (const label of LABELS) if (await mountLabel(label, place, abort)) return true;
  return false;
}

async function mountLabel(label: string, place: string, abort: AbortSignal): Promise<boolean> {
  try {
    await run('mount', ['-o', 'ro,nosuid,nodev,noexec,nosymfollow', `LABEL=${label}`, place], {
      signal: abort,
      // Disables libblkid's cache, which may list drives that no longer exist.
      env: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin', BLKID_FILE: '/dev/null' },
    });
    return true;
  } catch (error) {
    // mount(8) has one exit status for every failed mount.
    if (isObject(error) && /can't find LABEL=/.test(String(error['stderr']))) return false;
    throw error;
  }
}
