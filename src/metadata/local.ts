import { basename, join } from 'node:path';
import { type Disk, readIfThere } from '../base/disk.ts';
import { AgentError } from '../base/errors.ts';
import { utf8Text } from '../base/utf8.ts';
import type { Collected, Collector } from './collector.ts';
import { LARGEST_METADATA, TOO_LARGE } from './decode.ts';

/** What cannot be read, or not be believed, in the place of its text: the files beside it count all the same. */
export type Unreadable = Collected & { fault: AgentError };

export const isUnreadable = (collected: Collected): collected is Unreadable => 'fault' in collected;

/**
 * The files of some directories, whatever they are called but for hidden ones and an editor's copies, in the order of
 * their names wherever they lie, as the predecessor has them (collector `local`).
 */
export const localCollector = (disk: Disk, directories: readonly string[]): Collector => ({
  name: 'local',
  collect: async () => {
    const found: Collected[] = [];
    const room = { left: LARGEST_METADATA };
    for (const directory of directories)
      found.push(...(await alone(directory, async () => await readDirectory(disk, directory, room))));
    return found.toSorted((one, other) => byName(nameOf(one), nameOf(other)));
  },
});

/** What says nothing has no place among the others. */
const nameOf = (one: Collected): string => (isUnreadable(one) ? '' : basename(one.source));

/** Of two files of one name the one in the earlier directory comes first, as sorting leaves it. */
const byName = (one: string, other: string): number => (one === other ? 0 : one < other ? -1 : 1);

/** How much may still be read. */
type Room = { left: number };

async function readDirectory(disk: Disk, directory: string, room: Room): Promise<Collected[]> {
  const names = (await disk.list(directory)).filter((name) => !name.startsWith('.') && !name.endsWith('~'));
  if (names.length > 0) await checkTrust(disk, directory);
  const found: Collected[] = [];
  const files = await Promise.all(names.map(async (name) => await lookAt(disk, join(directory, name))));
  // Where there is not room for all, the largest are left out.
  for (const { path, type } of files.toSorted((a, b) => a.size - b.size))
    if (path.endsWith('.json') || type !== 'directory')
      found.push(...(await alone(path, async () => await readChecked(disk, path, room))));
  return found;
}

async function lookAt(disk: Disk, path: string): Promise<{ path: string; type?: string; size: number }> {
  try {
    const { type, size } = (await disk.info(await disk.resolve(path))) ?? { size: 0 };
    return { path, ...(type && { type }), size };
  } catch (error) {
    // Whoever reads it says so.
    if (error instanceof AgentError) return { path, size: 0 };
    throw error;
  }
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
export const heatLocalCollector = (disk: Disk, paths: readonly string[]): Collector => ({
  name: 'heat_local',
  collect: async () => {
    const found: Collected[] = [];
    const room = { left: LARGEST_METADATA };
    for (const path of paths)
      found.push(...(await alone(path, async () => await readChecked(disk, path, room))));
    return found;
  },
});

async function readChecked(disk: Disk, path: string, room: Room): Promise<Collected[]> {
  const info = await disk.info(await disk.resolve(path));
  if (info === undefined) return [];
  await checkTrust(disk, path);
  // What is read here may be anything: a pipe keeps whoever reads it for ever, and a file may fill the memory.
  if (info.type === 'other') throw unusable(path, 'not-a-file', 'it is no file');
  if (info.size > LARGEST_METADATA) throw unusable(path, 'metadata-too-large', TOO_LARGE);
  if (info.size > room.left)
    throw unusable(path, 'metadata-too-large', `with the files beside it ${TOO_LARGE}`);
  room.left -= info.size;
  const content = await readIfThere(disk, path);
  if (content === undefined) return [];
  const text = utf8Text(content);
  if (text === undefined) throw unusable(path, 'not-utf-8', 'it is no UTF-8');
  return [{ source: path, text }];
}

/** What is read here runs as root: nobody else may be able to write it. */
async function checkTrust(disk: Disk, path: string): Promise<void> {
  const fault = await disk.fault(path);
  if (fault !== undefined)
    throw unusable(path, 'untrusted-file', `${fault}; chown it to root and chmod go-w`);
}

const unusable = (path: string, reason: string, why: string): AgentError =>
  new AgentError('bad-metadata', `reading ${path}: ${why}`, { reason });
