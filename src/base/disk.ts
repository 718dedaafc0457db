import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AgentError, errnoOf } from './errors.ts';

/** What a file is apart from its content; ids are numeric. */
export type Attributes = { mode: number; uid: number; gid: number };
export type FileInfo = Attributes & { type: 'file' | 'directory' | 'symlink' | 'other' };

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
  /** The path with symlinks of its last part followed, as a path of the node. */
  resolve(path: string): Promise<string>;
  /** A new file: attributes before content, content synced. Fails when anything is there already. */
  create(path: string, content: string | Uint8Array, attributes: Partial<Attributes>): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Makes renames, creations and removals in a directory durable. */
  sync(directory: string): Promise<void>;
  /** Removes a file or an empty directory; nothing there is fine. */
  remove(path: string): Promise<void>;
  /** Makes a directory and its parents; the attributes go to the ones that were missing. */
  makeDirectory(path: string, attributes: Partial<Attributes>): Promise<void>;
};

const typeOf = (stat: Awaited<ReturnType<typeof fs.lstat>>): FileInfo['type'] =>
  stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'other';

const step = async <T>(doing: string, path: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (cause) {
    throw new AgentError('disk', `${doing} ${path}: ${reason(cause)}`, { cause });
  }
};

/** The real disk below `root`. */
export function createDisk(root: string): Disk {
  const at = (path: string): string => join(root, path);

  return {
    read: async (path) => await step('reading', path, async () => await fs.readFile(at(path))),

    info: async (path) =>
      await step('looking at', path, async () => {
        try {
          const stat = await fs.lstat(at(path));
          return { type: typeOf(stat), mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
        } catch (error) {
          if (isMissing(error)) return undefined;
          throw error;
        }
      }),

    list: async (path) =>
      await step('listing', path, async () => {
        try {
          return (await fs.readdir(at(path))).toSorted();
        } catch (error) {
          if (isMissing(error)) return [];
          throw error;
        }
      }),

    resolve: async (path) =>
      await step('resolving', path, async () => {
        let current = path;
        for (let hops = 0; hops < 40; hops += 1) {
          const stat = await fs.lstat(at(current)).catch((error: unknown) => {
            if (isMissing(error)) return undefined;
            throw error;
          });
          if (!stat?.isSymbolicLink()) return current;
          const link = await fs.readlink(at(current));
          current = link.startsWith('/') ? link : join(dirname(current), link);
        }
        throw new Error('too many symlinks');
      }),

    create: async (path, content, attributes) =>
      await step('writing', path, async () => {
        const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
        const file = await fs.open(at(path), flags, 0o600);
        try {
          if (attributes.uid !== undefined && attributes.gid !== undefined)
            await file.chown(attributes.uid, attributes.gid);
          await file.chmod(attributes.mode ?? 0o600);
          await file.writeFile(content);
          await file.sync();
        } finally {
          await file.close();
        }
      }),

    rename: async (from, to) => await step('replacing', to, async () => await fs.rename(at(from), at(to))),

    sync: async (directory) =>
      await step('syncing', directory, async () => {
        const handle = await fs.open(at(directory), constants.O_RDONLY | constants.O_DIRECTORY);
        try {
          await handle.sync();
        } finally {
          await handle.close();
        }
      }),

    remove: async (path) =>
      await step('removing', path, async () => {
        try {
          const stat = await fs.lstat(at(path));
          await (stat.isDirectory() ? fs.rmdir(at(path)) : fs.unlink(at(path)));
        } catch (error) {
          if (!isMissing(error)) throw error;
        }
      }),

    makeDirectory: async (path, attributes) =>
      await step('making directory', path, async () => {
        const first = await fs.mkdir(at(path), { recursive: true, mode: attributes.mode ?? 0o755 });
        if (first === undefined) return;
        for (let made = at(path); made.length >= first.length; made = dirname(made)) {
          if (attributes.uid !== undefined && attributes.gid !== undefined)
            await fs.chown(made, attributes.uid, attributes.gid);
          await fs.chmod(made, attributes.mode ?? 0o755);
        }
      }),
  };
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

/** Replaces a file so that a reader, or the next start after a power cut, sees the old or the new content. */
export async function replaceFile(
  disk: Disk,
  path: string,
  content: string | Uint8Array,
  attributes: Partial<Attributes>,
): Promise<void> {
  const staged = join(dirname(path), `.${basename(path)}.new`);
  await disk.remove(staged);
  await disk.create(staged, content, attributes);
  await disk.rename(staged, path);
  await disk.sync(dirname(path));
}

const meanings: Record<string, string> = {
  ENOSPC: 'no space left on the file system (ENOSPC)',
  EROFS: 'the file system is read-only (EROFS)',
  EACCES: 'permission denied (EACCES)',
  EPERM: 'not permitted: immutable file, or not root (EPERM)',
  EIO: 'the disk reports an input/output error (EIO)',
  ENOENT: 'no such file or directory (ENOENT)',
  EISDIR: 'a directory is in the way (EISDIR)',
  EEXIST: 'something is there already (EEXIST)',
};

const reason = (error: unknown): string => {
  const errno = errnoOf(error);
  return (errno && meanings[errno]) ?? errno ?? (error instanceof Error ? error.message : String(error));
};
