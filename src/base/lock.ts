import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { AgentError, errnoOf, explain } from './errors.ts';

export type Lock = { release(): Promise<void> };

/** A child that a killed run had just forked holds its lock until the child executes its program. */
const FORKED_CHILD_SECONDS = 1;

/**
 * Takes the lock that allows one run at a time: flock(2) on a file. The kernel releases it when its holder dies,
 * however it dies. Node has no flock, so util-linux's `flock` locks a descriptor that we share with it; the lock stays
 * with our open file after that program has ended.
 *
 * @throws `lock-held` with the holder's pid and verb
 */
export async function takeLock(path: string, verb: string, pid: number): Promise<Lock> {
  const file = await openLockFile(path);
  try {
    const code = await flock(file.fd);
    if (code === 1) {
      const holder = (await file.readFile('utf8')).trim();
      throw new AgentError('lock-held', `another run holds ${path}: ${holder || 'holder unknown'}`);
    }
    if (code !== 0) throw new AgentError('state', `taking the lock ${path}: flock ended with ${code}`);
    await file.truncate(0);
    await nameHolder(file, nameOf(verb, pid));
  } catch (error) {
    await file.close();
    throw error;
  }
  return { release: async () => await file.close() };
}

export type Holder = {
  /** `agent VERB (pid N)`. */
  name: string;
  /** undefined: the holder has just taken the lock and has not written its name yet. */
  verb: string | undefined;
  /** When the holder took the lock, in milliseconds since the epoch. */
  since: number;
};

const nameOf = (verb: string, pid: number): string => `agent ${verb} (pid ${pid})\n`;
/** Parses what `nameOf` writes. */
const NAME = /^agent (.+) \(pid (\d+)\)$/m;

/**
 * Returns the holder of a lock; undefined if it is free. The kernel's list decides (proc_locks(5)), because the name
 * stays in the file when its holder dies.
 */
export async function holderOf(path: string): Promise<Holder | undefined> {
  try {
    const [{ dev, ino, mtimeMs }, name, locks] = await Promise.all([
      fs.stat(path),
      fs.readFile(path, 'utf8'),
      fs.readFile('/proc/locks', 'utf8'),
    ]);
    const isListed = locks.split('\n').some((line) => isHeldLine(line, dev, ino));
    const [, verb, pid] = NAME.exec(name) ?? [];
    const isHeld = isListed || (pid !== undefined && (await hasOpen(pid, dev, ino)));
    return isHeld ? { name: name.trim(), verb, since: mtimeMs } : undefined;
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return undefined;
    throw new AgentError('disk', `reading the lock ${path}`, { cause });
  }
}

/**
 * Whether a process has the file open and so holds its lock. In a container the kernel's list omits the lock: `flock`,
 * which took it, has ended, and an ended process has no number in another namespace.
 */
async function hasOpen(pid: string, device: number, inode: number): Promise<boolean> {
  const directory = `/proc/${pid}/fd`;
  const names = await fs.readdir(directory).catch((): string[] => []);
  const files = await Promise.all(
    names.map(async (name) => await fs.stat(`${directory}/${name}`).catch(() => undefined)),
  );
  return files.some((file) => file?.dev === device && file.ino === inode);
}

const hex = (part: number): string => part.toString(16).padStart(2, '0');

/** `1: FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE 0 EOF`; a line with `->` is a waiting process. */
const isHeldLine = (line: string, device: number, inode: number): boolean => {
  const [, kind, , , , place] = line.trim().split(/\s+/);
  // makedev(3)
  const major = Math.floor(device / 256) % 4096;
  const minor = (device % 256) + Math.floor(device / 1_048_576) * 256;
  return kind === 'FLOCK' && place === `${hex(major)}:${hex(minor)}:${inode}`;
};

/** The kernel's lock holds without a name, so a full /run must not stop the daemon. */
async function nameHolder(file: fs.FileHandle, name: string): Promise<void> {
  try {
    await file.write(name, 0);
  } catch (error) {
    if (errnoOf(error) !== 'ENOSPC') throw error;
  }
}

async function openLockFile(path: string): Promise<fs.FileHandle> {
  try {
    await fs.mkdir(dirname(path), { recursive: true, mode: 0o755 });
    return await fs.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (cause) {
    const hint = errnoOf(cause) === 'EACCES' ? ' (are you root?)' : '';
    throw new AgentError('disk', `opening the lock ${path}: ${explain(cause)}${hint}`, { cause });
  }
}

const flock = async (fd: number): Promise<number> =>
  await new Promise((resolve, reject) => {
    const child = spawn('flock', ['--wait', String(FORKED_CHILD_SECONDS), '3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
    });
    child.on('error', (cause) => {
      reject(
        new AgentError('state', 'taking the lock: the program flock (util-linux) cannot be run', { cause }),
      );
    });
    child.on('close', (code) => {
      resolve(code ?? -1);
    });
  });
