import { readlink, realpath } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { errnoOf } from './errors.ts';

/**
 * Follows the symlinks of a path as the kernel would if `root` were its root (openat2, RESOLVE_IN_ROOT): neither an
 * absolute one nor a `..` too many leads out of it. What is not there yet is taken as it stands.
 *
 * @param last whether one in the place of the last part is followed too
 * @returns the path below the root, as the node sees it
 */
export async function followSymlinks(root: string, path: string, last: boolean): Promise<string> {
  if (await isPlain(root, path, last)) return path;
  let done = '/';
  let rest = partsOf(path);
  let hops = 0;
  for (let [part, ...more] = rest; part !== undefined; [part, ...more] = rest) {
    const next = part === '..' ? dirname(done) : join(done, part);
    const isFollowed = part !== '..' && (last || more.length > 0);
    const link = isFollowed ? await linkAt(join(root, next)) : undefined;
    rest = link === undefined ? more : [...partsOf(link), ...more];
    if (link === undefined) done = next;
    else if (link.startsWith('/')) done = '/';
    if (link !== undefined && ++hops > MOST_HOPS) throw new Error('too many symlinks');
  }
  return done;
}

/** Whether there is no symlink on the way, as nearly always: that is asked at once, not part by part. */
async function isPlain(root: string, path: string, last: boolean): Promise<boolean> {
  if (!path.startsWith('/') || path.endsWith('/') || path !== normalize(path)) return false;
  const directory = dirname(join(root, path));
  try {
    if ((await realpath(directory)) !== directory) return false;
  } catch {
    return false;
  }
  return !last || (await linkAt(join(root, path))) === undefined;
}

/** As many as the kernel follows. */
const MOST_HOPS = 40;

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

/** Where a symlink leads; undefined for whatever else is there, or is not. */
async function linkAt(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (NO_LINK.has(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

const NO_LINK: ReadonlySet<string> = new Set(['EINVAL', 'ENOENT', 'ENOTDIR']);
