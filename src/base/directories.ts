import { closeSync, constants, lstatSync, openSync, readdirSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import type { Attributes } from './disk.ts';
import { errnoOf } from './errors.ts';
import type { Place } from './walk.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Makes the names in a directory durable. */
export async function syncDirectory(at: string): Promise<void> {
  await inDirectory(at, async (directory) => {
    await directory.sync();
  });
}

/** Removes all rights of group and others on a directory. */
export async function closeDirectory(at: string): Promise<void> {
  await inDirectory(at, async (directory) => {
    await directory.chmod(0o700);
  });
}

/** Lists the names in a directory; none if it does not exist. */
export function listDirectory(at: string): string[] {
  // Cheaper than an error, for a directory that is looked for at every poll.
  if (lstatSync(at, { throwIfNoEntry: false }) === undefined) return [];
  const directory = openSync(at, DIRECTORY);
  try {
    return readdirSync(`/proc/self/fd/${directory}`);
  } finally {
    closeSync(directory);
  }
}

/** Identifies the names in a directory and in some below it; undefined if one of them is a symlink. */
export function stampOf(at: string, below: readonly string[]): string | undefined {
  let stamp = '';
  for (const name of ['.', ...below]) {
    const stat = lstatSync(`${at}/${name}`, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink() === true) return undefined;
    stamp += stat ? `${stat.ino} ${stat.ctimeMs};` : 'none;';
  }
  return stamp;
}

/**
 * Creates the missing directories of a place, each inside the directory opened before it. The parent's owner can
 * exchange a new directory at any moment; by path, the substitute would get owner and mode.
 */
export async function makeDirectories(
  { directory, names }: Pick<Place, 'directory' | 'names'>,
  attributes: Partial<Attributes>,
): Promise<void> {
  const [name, ...more] = names;
  if (name === undefined) return;
  const isParent = more.length > 0;
  const isClosed = attributes.mode === 0o700;
  const own = isParent ? { mode: isClosed ? 0o700 : 0o755 } : attributes;
  const at = `${directory}/${name}`;
  const isNew = await isMade(at);
  if (!isNew && !isParent) return;
  await inDirectory(at, async (made) => {
    if (isNew) {
      if (own.uid !== undefined && own.gid !== undefined) await made.chown(own.uid, own.gid);
      // Overrides the umask inherited from the parent process.
      await made.chmod(own.mode ?? 0o755);
      // Files synced in a directory are lost if the directory's own name is not durable.
      await syncDirectory(directory);
    }
    await makeDirectories({ directory: `/proc/self/fd/${made.fd}/.`, names: more }, attributes);
  });
}

/** Creates a directory. Returns false if the name is already taken. */
async function isMade(at: string): Promise<boolean> {
  try {
    await fs.mkdir(at, { mode: 0o700 });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function inDirectory<T>(at: string, use: (directory: fs.FileHandle) => Promise<T>): Promise<T> {
  const directory = await fs.open(at, DIRECTORY);
  try {
    return await use(directory);
  } finally {
    await directory.close();
  }
}
