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

/** Where Nova puts the EC2 metadata on a config drive; the predecessor reads the same file. */
const FILE = 'ec2/latest/meta-data.json';
/** The second is what mkfs.vfat may make of the first; cloud-init looks for both. */
const LABELS = ['config-2', 'CONFIG-2'];

/** Reads what a config drive says: the text of a JSON object; undefined when the node has none. */
export type ReadDrive = (abort: AbortSignal) => Promise<string | undefined>;

/** What the node's config drive says (collector `config_drive`); it does not change while the node runs. */
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
 * The config drive in the first of `places` that has it, mounted or copied there, or else where `look` finds it.
 *
 * @throws `bad-metadata` when it is only found where others than root can change it, or behind a symlink: a drive has
 *   none, and whoever made the volume would choose which of root's files is read
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
 * Mounts this machine's config drive, read-only and for a moment, where nobody else sees it.
 *
 * @throws `not-yet` when it is there and cannot be mounted or read
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

/** False when there is no such file system. */
async function mount(place: string, abort: AbortSignal): Promise<boolean> {
  for (const label of LABELS) if (await mountLabel(label, place, abort)) return true;
  return false;
}

async function mountLabel(label: string, place: string, abort: AbortSignal): Promise<boolean> {
  try {
    await run('mount', ['-o', 'ro,nosuid,nodev,noexec,nosymfollow', `LABEL=${label}`, place], {
      signal: abort,
      // What libblkid remembers of drives may be long gone.
      env: { LC_ALL: 'C', PATH: '/usr/sbin:/usr/bin:/sbin:/bin', BLKID_FILE: '/dev/null' },
    });
    return true;
  } catch (error) {
    if (isObject(error) && /can't find LABEL=/.test(String(error['stderr']))) return false;
    throw error;
  }
}
