import { constants } from 'node:fs';
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

/** Takes from others every right to a directory. */
export async function closeDirectory(at: string): Promise<void> {
  await inDirectory(at, async (directory) => {
    await directory.chmod(0o700);
  });
}

/** The names in a directory. */
export const listDirectory = async (at: string): Promise<string[]> =>
  await inDirectory(at, async ({ fd }) => await fs.readdir(`/proc/self/fd/${fd}`));

/**
 * Makes the directories of a place that are missing, each in the one that was opened before it: its owner may put
 * something else in the place of a new one, and that would get owner and mode.
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
      // Whatever the umask of whoever starts us.
      await made.chmod(own.mode ?? 0o755);
      // What is synced in a directory is lost with it when its own name is not durable.
      await syncDirectory(directory);
    }
    await makeDirectories({ directory: `/proc/self/fd/${made.fd}/.`, names: more }, attributes);
  });
}

/** Makes a directory; false when something has its name already. */
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
