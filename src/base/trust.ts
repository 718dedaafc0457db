import { dirname } from 'node:path';
import type { Disk, FileInfo } from './disk.ts';

/** Whether others than root, and than whoever runs this, may have put there what lies there; undefined: no. */
export const trustFault = ({ uid, mode }: FileInfo, self: number): string | undefined => {
  if (uid !== 0 && uid !== self) return `it belongs to user ${uid}`;
  return (mode & 0o022) === 0
    ? undefined
    : `it can be written by others (mode ${(mode & 0o777).toString(8)})`;
};

/**
 * The same for a file that is to be run as root: also none of the directories above it, of the link and of what
 * it leads to, may be in the hands of others, who could exchange everything below.
 */
export async function pathFault(disk: Disk, path: string, self: number): Promise<string | undefined> {
  const info = await disk.info(path);
  if (!info) return undefined;
  if (info.type === 'symlink') {
    const fault = await pathFault(disk, await disk.resolve(path), self);
    if (fault !== undefined) return fault;
  } else {
    const fault = trustFault(info, self);
    if (fault !== undefined) return `${path}: ${fault}`;
  }
  return path === '/' ? undefined : await pathFault(disk, dirname(path), self);
}
