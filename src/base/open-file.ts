import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  readFile as readInBackground,
  readFileSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import * as fs from 'node:fs/promises';
import { promisify } from 'node:util';
import { copyAttributes } from './attributes.ts';
import { type FileInfo, isMissing, type Snapshot } from './disk.ts';
import { AgentError } from './errors.ts';
import type { Place } from './walk.ts';

export const infoOf = (stat: Stats): FileInfo => ({
  type: stat.isFile()
    ? 'file'
    : stat.isDirectory()
      ? 'directory'
      : stat.isSymbolicLink()
        ? 'symlink'
        : 'other',
  size: stat.size,
  mode: stat.mode & 0o7777,
  uid: stat.uid,
  gid: stat.gid,
});

/** Does not wait for the writer of a pipe, and does not follow a symlink that has just replaced the file. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Reads a file. A small one is read at once, like the directories on its path (walk.ts): the thread pool costs more CPU
 * time than the read, at every poll.
 */
export async function readFile({ at, fault }: Place): Promise<Snapshot> {
  const file = openSync(at, READ);
  try {
    const stat = fstatSync(file);
    const info = infoOf(stat);
    if (info.type === 'other') throw unfit('not-a-file', 'not a regular file (pipe, socket or device)');
    if (fault !== undefined && info.size > MOST_OF_OTHERS)
      throw unfit(
        'file-too-large',
        `too large (${info.size} bytes) for a file that users other than root can write (${fault})`,
      );
    if (info.size > MOST) throw unfit('file-too-large', `too large (${info.size} bytes)`);
    const content = info.size <= SMALL ? readFileSync(file) : await readLarge(file);
    return { content, info, id: `${stat.dev}:${stat.ino}` };
  } finally {
    closeSync(file);
  }
}

const readLarge = promisify(readInBackground);

const unfit = (reason: string, why: string): AgentError => new AgentError('disk', why, { reason });

/** In bytes: larger than every file that a poll reads. */
const SMALL = 64 * 1024;

/** In bytes: larger than a run's output, the largest file that this program writes, and smaller than its memory. */
const MOST = 24 * 1024 * 1024;

/** In bytes. Other users must not be able to exhaust this program's memory; a revocation list is far smaller. */
const MOST_OF_OTHERS = 16 * 1024 * 1024;

/** Creates a file in the file system of /run, which is memory: at once, and without a sync. */
export function createInMemory(at: string, content: string | Uint8Array, mode = 0o600): void {
  const file = openSync(at, CREATE, 0o600);
  try {
    fchmodSync(file, mode);
    writeFileSync(file, content);
  } catch (error) {
    unlinkSync(at);
    throw error;
  } finally {
    closeSync(file);
  }
}

export const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Copies SELinux label, access lists and extended attributes from the existing file, if there is one. */
export async function copyAttributesOf(at: string, to: { fd: number }): Promise<void> {
  try {
    const from = await fs.open(at, READ);
    try {
      await copyAttributes(`/proc/self/fd/${from.fd}`, `/proc/self/fd/${to.fd}`);
    } finally {
      await from.close();
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

export const lstatIfThere = (at: string): Stats | undefined => lstatSync(at, { throwIfNoEntry: false });

/** Readable too, to check whether the last line is complete. */
const APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

export async function appendLines(at: string, lines: string): Promise<void> {
  const file = await fs.open(at, APPEND, 0o600);
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    const isCut = size > 0 && last.toString() !== '\n';
    await file.writeFile(isCut ? `\n${lines}` : lines);
    await file.datasync();
  } finally {
    await file.close();
  }
}
