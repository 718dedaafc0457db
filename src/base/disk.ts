import { errnoOf } from './errors.ts';

/** What a file is apart from its content; ids are numeric. */
export type Attributes = { mode: number; uid: number; gid: number };
/** `like`: a place; what label (SELinux), access lists and extended attributes a file there has, the new one gets too. */
export type NewFile = Partial<Attributes> & { like?: string | undefined };
/** `size` in bytes. */
export type FileInfo = Attributes & { size: number; type: 'file' | 'directory' | 'symlink' | 'other' };

/** A file as it was read; `id` tells it from another one that takes its place. */
export type Snapshot = { content: Buffer; info: FileInfo; id: string };

/** What is left on the file system that a path is, or would be, on; `device` is the kernel's number of it. */
export type Space = { bytes: number; inodes: number; device: number };

/**
 * The node's file system as this program sees it. Paths are the node's own; `--root` is added in here and
 * nowhere else. Every method is one durable step, so a test can stop the program between any two of them.
 *
 * Some of the directories belong to other users. A symlink in one of those is not followed, and every method works in
 * the directory that it has opened (walk.ts): their owners can exchange names at any moment.
 */
export type Disk = {
  read(path: string): Promise<Buffer>;
  /** Content, attributes and identity of one and the same file; undefined when there is none. */
  snapshot(path: string): Promise<Snapshot | undefined>;
  /**
   * Why others than root, and than the user who runs this, can change what lies there, to be said behind its path;
   * undefined: they cannot.
   */
  fault(path: string): Promise<string | undefined>;
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
  /** Adds whole lines to a file, synced; a new file has the mode 0600. A line that a kill has cut is ended first. */
  append(path: string, lines: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Gives a file a second name. Fails when anything has that already. */
  link(from: string, to: string): Promise<void>;
  /** Makes renames, creations and removals in a directory durable. */
  sync(directory: string): Promise<void>;
  /** Removes a file or an empty directory; nothing there is fine. */
  remove(path: string): Promise<void>;
  /** Removes a directory with everything in it, whatever its names are; nothing there is fine. */
  removeTree(path: string): Promise<void>;
  /**
   * Makes a directory, durably; one that is there stays as it is. Parents get the mode 0755, those of a directory that
   * is closed to others (0700) that mode too.
   */
  makeDirectory(path: string, attributes: Partial<Attributes>): Promise<void>;
  /** Takes from others every right to a directory (0700). */
  closeDirectory(path: string): Promise<void>;
};

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

/** A file as UTF-8 text; undefined when it is not there. */
export const readText = async (disk: Disk, path: string): Promise<string | undefined> =>
  (await readIfThere(disk, path))?.toString('utf8');
