import { join } from 'node:path';
import type { Disk } from '../../src/base/disk.ts';
import { STATE } from '../paths.ts';

/** Includes the directories of script runs and those that their scripts created. */
const DEPTH = 2;

/**
 * Removes the rights of group and others on the state directory and its subdirectories. An older version created them
 * with its umask.
 */
export const closeState = async (disk: Disk): Promise<void> => {
  await close(disk, STATE, DEPTH);
};

async function close(disk: Disk, path: string, depth: number): Promise<void> {
  const info = await disk.info(path);
  if (info?.type !== 'directory') return;
  if (info.mode !== 0o700) await disk.closeDirectory(path);
  if (depth === 0) return;
  for (const name of await disk.list(path)) await close(disk, join(path, name), depth - 1);
}
