import { basename, join } from 'node:path';
import { type Disk, readIfThere } from '../base/disk.ts';
import { AgentError } from '../base/errors.ts';
import { utf8Text } from '../base/utf8.ts';
import type { Collected, Collector } from './collector.ts';
import { LARGEST_METADATA, TOO_LARGE } from './decode.ts';

/** A file that cannot be read or trusted; the files beside it are still used. */
export type Unreadable = Collected & { fault: AgentError };

export const isUnreadable = (collected: Collected): collected is Unreadable => 'fault' in collected;

/**
 * Collects the files of some directories (collector `local`), whatever their names, except hidden files and editor
 * backups. Sorted by file name across directories, as in the predecessor.
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

/** Unreadable files have no defined position. */
const nameOf = (one: Collected): string => (isUnreadable(one) ? '' : basename(one.source));

/** If two files have the same name, the stable sort puts that of the earlier directory first. */
const byName = (one: string, other: string): number => (one === other ? 0 : one < other ? -1 : 1);

/** Remaining bytes that may be read. */
type Room = { left: number };

async function readDirectory(disk: Disk, directory: string, room: Room): Promise<Collected[]> {
  const names = (await disk.list(directory)).filter((name) => !name.startsWith('.') && !name.endsWith('~'));
  if (names.length > 0) await checkTrust(disk, directory);
  const found: Collected[] = [];
  const files = await Promise.all(names.map(async (name) => await lookAt(disk, join(directory, name))));
  // If the limit does not suffice for all, the largest are left out.
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
    // The read reports the same error.
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

/** Collects the existing files, written by cfn-init (collector `heat_local`). Later files override earlier ones. */
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
  // Checks the type and size before reading: a pipe would block forever, and a large file would exhaust the memory.
  if (info.type === 'other') throw unusable(path, 'not-a-file', 'not a regular file');
  if (info.size > LARGEST_METADATA) throw unusable(path, 'metadata-too-large', TOO_LARGE);
  if (info.size > room.left)
    throw unusable(path, 'metadata-too-large', `together with the files beside it ${TOO_LARGE}`);
  room.left -= info.size;
  const content = await readIfThere(disk, path);
  if (content === undefined) return [];
  const text = utf8Text(content);
  if (text === undefined) throw unusable(path, 'not-utf-8', 'not UTF-8');
  return [{ source: path, text }];
}

/** The content is executed as root, so other users must not be able to write it. */
async function checkTrust(disk: Disk, path: string): Promise<void> {
  const fault = await disk.fault(path);
  if (fault !== undefined)
    throw unusable(path, 'untrusted-file', `${fault}; chown it to root and chmod go-w`);
}

const unusable = (path: string, reason: string, why: string): AgentError =>
  new AgentError('bad-metadata', `reading ${path}: ${why}`, { reason });
