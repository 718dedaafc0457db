import { errnoOf } from './errors.ts';

/** Attributes of a file; ids are numeric. */
export type Attributes = { mode: number; uid: number; gid: number };
/** `durable`: false for a file in /run, which is memory: it is written at once and not synced. */
export type Durability = { durable?: boolean };
/** `like`: a path whose SELinux label, access lists and extended attributes are copied to the new file. */
export type NewFile = Partial<Attributes> & Durability & { like?: string | undefined };
/** `size` in bytes. */
export type FileInfo = Attributes & { size: number; type: 'file' | 'directory' | 'symlink' | 'other' };

/** A file as it was read. `id` distinguishes it from a file that replaces it. */
export type Snapshot = { content: Buffer; info: FileInfo; id: string };

/** Free space of the file system that holds a path, or would hold it. `device` is the kernel's device number. */
export type Space = { bytes: number; inodes: number; device: number };

/**
 * The node's file system. Paths are the node's own; only this type's implementation adds `--root`. Each method is one
 * durable step, so tests can stop the program between any two.
 *
 * Some directories belong to other users, who can exchange names at any moment. So symlinks in them are not followed,
 * and every method works in the directory that it has opened (walk.ts).
 */
export type Disk = {
  read(path: string): Promise<Buffer>;
  /** Reads content, attributes and identity of the same file; undefined if it does not exist. */
  snapshot(path: string): Promise<Snapshot | undefined>;
  /**
   * Returns why users other than root and the current user can change the file, as text to follow its path; undefined
   * if they cannot.
   */
  fault(path: string): Promise<string | undefined>;
  /** Returns what is at the path itself (symlinks are not followed), or undefined. */
  info(path: string): Promise<FileInfo | undefined>;
  /** Lists the names in a directory, sorted; empty if it does not exist. */
  list(path: string): Promise<string[]>;
  /**
   * Identifies the names in a directory and in directories below it: a later change of any of them gives another text.
   * undefined: it cannot tell, for instance because one of them is a symlink.
   */
  stamp(directory: string, below: readonly string[]): Promise<string | undefined>;
  /** Reports whether a file has been read since it was written. False where the file system does not record reads. */
  hasBeenRead(path: string): Promise<boolean>;
  /** Returns the free space for a path, and whether a file can be created there. */
  room(directory: string): Promise<Space & { writable: boolean }>;
  /** Reports whether the file cannot be replaced: it is immutable, or is itself a read-only mount. */
  sealed(path: string): Promise<boolean>;
  /** Resolves every symlink of a path; the result is a path of the node. */
  resolve(path: string): Promise<string>;
  /** Creates a file: attributes first, then the content, synced unless it need not be durable. Fails if the path exists. */
  create(path: string, content: string | Uint8Array, attributes: NewFile): Promise<void>;
  /**
   * Appends whole lines to a file and syncs it; a new file gets mode 0600. First terminates a line that was cut by a
   * kill.
   */
  append(path: string, lines: string): Promise<void>;
  rename(from: string, to: string, how?: Durability): Promise<void>;
  /** Gives a file a second name. Fails if that name exists. */
  link(from: string, to: string): Promise<void>;
  /** Makes renames, creations and removals in a directory durable. */
  sync(directory: string): Promise<void>;
  /** Removes a file or an empty directory; a missing one is not an error. */
  remove(path: string): Promise<void>;
  /** Removes a directory and everything in it, whatever the names are; a missing one is not an error. */
  removeTree(path: string): Promise<void>;
  /**
   * Creates a directory durably; leaves an existing one unchanged. Missing parents get mode 0755, or 0700 if the
   * directory itself has 0700.
   */
  makeDirectory(path: string, attributes: Partial<Attributes>): Promise<void>;
  /** Removes all rights of group and others on a directory (0700). */
  closeDirectory(path: string): Promise<void>;
};

/** Whether an error says that the file does not exist. */
export const isMissing = (error: unknown): boolean => errnoOf(error) === 'ENOENT';

/** Returns the content of a file, or undefined if it does not exist. */
export async function readIfThere(disk: Disk, path: string): Promise<Buffer | undefined> {
  try {
    return await disk.read(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Reads a file as UTF-8 text; undefined if it does not exist. */
export const readText = async (disk: Disk, path: string): Promise<string | undefined> =>
  (await readIfThere(disk, path))?.toString('utf8');
