import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { copyAttributes, isReadSince } from './attributes.ts';
import { meaningOf } from './errno.ts';
import { AgentError, errnoOf } from './errors.ts';
import { followSymlinks } from './symlinks.ts';

/** What a file is apart from its content; ids are numeric. */
export type Attributes = { mode: number; uid: number; gid: number };
/** `like`: a place; what label (SELinux), access lists and extended attributes a file there has, the new one gets too. */
export type NewFile = Partial<Attributes> & { like?: string | undefined };
/** `size` in bytes. */
export type FileInfo = Attributes & { size: number; type: 'file' | 'directory' | 'symlink' | 'other' };

/** What is left on the file system that a path is, or would be, on; `device` is the kernel's number of it. */
export type Space = { bytes: number; inodes: number; device: number };

/**
 * The node's file system as this program sees it. Paths are the node's own; `--root` is added in here and
 * nowhere else. Every method is one durable step, so a test can stop the program between any two of them.
 */
export type Disk = {
  read(path: string): Promise<Buffer>;
  /** What lies at the path itself (a symlink is not followed), or undefined. */
  info(path: string): Promise<FileInfo | undefined>;
  /** Names in a directory, sorted; none when it does not exist. */
  list(path: string): Promise<string[]>;
  /** Whether a file has been read since it was written; false also where the file system keeps no account of that. */
  hasBeenRead(path: string): Promise<boolean>;
  /** What is left where a path is, or would be; and whether a file could be made there. */
  room(directory: string): Promise<Space & { writable: boolean }>;
  /** Whether nobody can replace what lies there: it is immutable, or mounted read-only by itself. */
  sealed(path: string): Promise<boolean>;
  /** The path with every symlink followed, as a path of the node. */
  resolve(path: string): Promise<string>;
  /** A new file: attributes before content, content synced. Fails when anything is there already. */
  create(path: string, content: string | Uint8Array, attributes: NewFile): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Gives a file a second name. Fails when anything has that already. */
  link(from: string, to: string): Promise<void>;
  /** Makes renames, creations and removals in a directory durable. */
  sync(directory: string): Promise<void>;
  /** Removes a file or an empty directory; nothing there is fine. */
  remove(path: string): Promise<void>;
  /** Removes a directory with everything in it, whatever its names are; nothing there is fine. */
  removeTree(path: string): Promise<void>;
  /** Makes a directory, and with plain attributes its parents, durably; one that is there stays as it is. */
  makeDirectory(path: string, attributes: Partial<Attributes>): Promise<void>;
};

const typeOf = (stat: Awaited<ReturnType<typeof fs.lstat>>): FileInfo['type'] =>
  stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'other';

const step = async <T>(doing: string, path: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (cause) {
    throw new AgentError('disk', `${doing} ${path}: ${meaningOf(cause)}`, { cause });
  }
};

/** The real disk below `root`. */
export function createDisk(root: string): Disk {
  /** Where a path of the node is; the kernel sees to symlinks itself where both have the same root. */
  const at = async (path: string): Promise<string> =>
    root === '/' ? path : join(root, await followSymlinks(root, path, true));
  /** The same of what stands at the path itself, a symlink or not. */
  const entryAt = async (path: string): Promise<string> =>
    root === '/' ? path : join(root, await followSymlinks(root, path, false));

  return {
    read: async (path) => await step('reading', path, async () => await fs.readFile(await at(path))),

    info: async (path) =>
      await step('looking at', path, async () => {
        try {
          const stat = await fs.lstat(await entryAt(path));
          const { size, mode, uid, gid } = stat;
          return { type: typeOf(stat), size, mode: mode & 0o7777, uid, gid };
        } catch (error) {
          if (isMissing(error)) return undefined;
          throw error;
        }
      }),

    list: async (path) =>
      await step('listing', path, async () => {
        try {
          return (await fs.readdir(await at(path))).toSorted();
        } catch (error) {
          if (isMissing(error)) return [];
          throw error;
        }
      }),

    hasBeenRead: async (path) =>
      await step('looking at', path, async () => await isReadSince(await at(path))),

    room: async (directory) =>
      await step('looking for room in', directory, async () => {
        const nearest = await nearestExisting(await at(directory));
        const { bavail, bsize, ffree, files } = await fs.statfs(nearest);
        const writable = await fs.access(nearest, constants.W_OK).then(
          () => true,
          () => false,
        );
        const { dev: device } = await fs.stat(nearest);
        // Some file systems (btrfs) make inodes as they need them and report none at all.
        const inodes = files === 0 ? Number.MAX_SAFE_INTEGER : ffree;
        return { bytes: bavail * bsize, inodes, device, writable };
      }),

    sealed: async (path) =>
      await step('looking at', path, async () => {
        try {
          await fs.access(await at(path), constants.W_OK);
          return false;
        } catch (error) {
          // Without root's rights a file may be read-only, and can be replaced all the same.
          return ['EPERM', 'EROFS'].includes(errnoOf(error) ?? '');
        }
      }),

    resolve: async (path) =>
      await step('resolving', path, async () => await followSymlinks(root, path, true)),

    create: async (path, content, attributes) =>
      await step('writing', path, async () => {
        const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
        const place = await entryAt(path);
        const file = await fs.open(place, flags, 0o600);
        try {
          if (attributes.like !== undefined) await copyAttributes(await at(attributes.like), place);
          if (attributes.uid !== undefined && attributes.gid !== undefined)
            await file.chown(attributes.uid, attributes.gid);
          await file.chmod(attributes.mode ?? 0o600);
          await file.writeFile(content);
          await file.sync();
        } catch (error) {
          // Half a file is of no use to anybody, least of all on a disk that is full.
          await fs.unlink(place).catch(() => undefined);
          throw error;
        } finally {
          await file.close();
        }
      }),

    rename: async (from, to) =>
      await step('replacing', to, async () => {
        await fs.rename(await entryAt(from), await entryAt(to));
      }),

    link: async (from, to) =>
      await step('claiming', to, async () => {
        await fs.link(await entryAt(from), await entryAt(to));
      }),

    sync: async (directory) =>
      await step('syncing', directory, async () => {
        await syncDirectory(await at(directory));
      }),

    remove: async (path) =>
      await step('removing', path, async () => {
        try {
          const place = await entryAt(path);
          const stat = await fs.lstat(place);
          await (stat.isDirectory() ? fs.rmdir(place) : fs.unlink(place));
        } catch (error) {
          if (!isMissing(error)) throw error;
        }
      }),

    removeTree: async (path) =>
      await step('removing', path, async () => {
        await fs.rm(await entryAt(path), { recursive: true, force: true });
      }),

    makeDirectory: async (path, attributes) =>
      await step('making directory', path, async () => {
        const place = await at(path);
        if (await exists(place)) return;
        const parent = dirname(place);
        // Of several runs of this side by side one makes the parents, and one, maybe another, the directory itself.
        const first = await fs.mkdir(parent, { recursive: true });
        if (await isMade(place)) {
          if (attributes.uid !== undefined && attributes.gid !== undefined)
            await fs.chown(place, attributes.uid, attributes.gid);
          await fs.chmod(place, attributes.mode ?? 0o755);
          // Whatever is synced in a directory is lost with it when its own name is not durable.
          await syncDirectory(parent);
        }
        if (first === undefined) return;
        for (let made = parent; made.length >= first.length; made = dirname(made))
          await syncDirectory(dirname(made));
      }),
  };
}

/** Makes a directory; false when it is there already. */
async function isMade(path: string): Promise<boolean> {
  try {
    await fs.mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await fs.open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const exists = async (path: string): Promise<boolean> =>
  await fs.access(path).then(
    () => true,
    () => false,
  );

async function nearestExisting(path: string): Promise<string> {
  let current = path;
  while (!(await exists(current)) && current !== dirname(current)) current = dirname(current);
  return current;
}

/** Whether an error says that there is no such file. */
export const isMissing = (error: unknown): boolean => errnoOf(error) === 'ENOENT';

/** The content of a file, or undefined when there is none. */
export async function readIfThere(disk: Disk, path: string): Promise<Buffer | undefined> {
  try {
    return await disk.read(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
