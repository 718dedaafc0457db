import { join } from 'node:path';
import { type Disk, readIfThere } from '../base/disk.ts';
import { AgentError } from '../base/errors.ts';
import { trustFault } from '../base/trust.ts';
import type { Collected, Collector } from './collector.ts';

/** What cannot be read, or not be believed, in the place of its text: the files beside it count all the same. */
export type Unreadable = Collected & { fault: AgentError };

export const isUnreadable = (collected: Collected): collected is Unreadable => 'fault' in collected;

/** The `*.json` files of some directories, in the order of their names (collector `local`). */
export const localCollector = (disk: Disk, directories: readonly string[], uid: number): Collector => ({
  name: 'local',
  collect: async () => {
    const found: Collected[] = [];
    for (const directory of directories)
      found.push(...(await alone(directory, async () => await readDirectory(disk, directory, uid))));
    return found;
  },
});

async function readDirectory(disk: Disk, directory: string, uid: number): Promise<Collected[]> {
  const names = (await disk.list(directory)).filter(
    (name) => name.endsWith('.json') && !name.startsWith('.'),
  );
  if (names.length > 0) await checkOwner(disk, directory, uid);
  const found: Collected[] = [];
  for (const path of names.map((name) => join(directory, name)))
    found.push(...(await alone(path, async () => await readChecked(disk, path, uid))));
  return found;
}

async function alone(source: string, read: () => Promise<Collected[]>): Promise<Collected[]> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const unreadable: Unreadable = { source, text: '', fault: error };
    return [unreadable];
  }
}

/** The files that are there, later ones over earlier ones, as cfn-init leaves them (collector `heat_local`). */
export const heatLocalCollector = (disk: Disk, paths: readonly string[], uid: number): Collector => ({
  name: 'heat_local',
  collect: async () => {
    const found: Collected[] = [];
    for (const path of paths)
      found.push(...(await alone(path, async () => await readChecked(disk, path, uid))));
    return found;
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
