import { join } from 'node:path';
import { type Disk, type FileInfo, readIfThere } from '../base/disk.ts';
import { AgentError } from '../base/errors.ts';
import type { Collected, Collector } from './collector.ts';

/** The `*.json` files of some directories, in the order of their names (collector `local`). */
export const localCollector = (disk: Disk, directories: readonly string[], uid: number): Collector => ({
  name: 'local',
  collect: async () => {
    const found: Collected[] = [];
    for (const directory of directories) {
      const names = (await disk.list(directory)).filter(
        (name) => name.endsWith('.json') && !name.startsWith('.'),
      );
      if (names.length > 0) await checkOwner(disk, directory, uid);
      for (const name of names) found.push(...(await readChecked(disk, join(directory, name), uid)));
    }
    return found;
  },
});

/** The first of some files that is there, as cfn-init leaves it (collector `heat_local`). */
export const heatLocalCollector = (disk: Disk, paths: readonly string[], uid: number): Collector => ({
  name: 'heat_local',
  collect: async () => {
    for (const path of paths) {
      const found = await readChecked(disk, path, uid);
      if (found.length > 0) return found;
    }
    return [];
  },
});

async function readChecked(disk: Disk, path: string, uid: number): Promise<Collected[]> {
  const content = await readIfThere(disk, path);
  if (content === undefined) return [];
  await checkOwner(disk, path, uid);
  return [{ source: path, text: content.toString('utf8') }];
}

/** What is read here runs as root: nobody else may have been able to write it. */
async function checkOwner(disk: Disk, path: string, uid: number): Promise<void> {
  const info = await disk.info(await disk.resolve(path));
  const fault = info === undefined ? undefined : trustFault(info, uid);
  if (fault !== undefined)
    throw new AgentError('bad-metadata', `reading ${path}: ${fault}; chown it to root and chmod go-w`);
}

const trustFault = ({ uid, mode }: FileInfo, self: number): string | undefined => {
  if (uid !== 0 && uid !== self) return `it belongs to user ${uid}`;
  return (mode & 0o022) === 0
    ? undefined
    : `it can be written by others (mode ${(mode & 0o777).toString(8)})`;
};
