import type { Disk } from './disk.ts';
import { AgentError, type ErrorCode } from './errors.ts';

/**
 * Why others than root, and than the user who runs this, can change a file or a directory, to be said of its path;
 * undefined: they cannot.
 *
 * @param self the user who runs this
 */
export const trustFault = (
  { uid, mode }: { uid: number; mode: number },
  self: number,
): string | undefined => {
  if (uid !== 0 && uid !== self) return `belongs to user ${uid}`;
  return (mode & 0o022) === 0 ? undefined : `can be written by others (mode ${(mode & 0o777).toString(8)})`;
};

/**
 * Reads a file that decides what this program does as root: its configuration, and what the node is told by files.
 *
 * @param code the code of the error
 * @returns undefined when there is no such file
 * @throws `code` when others than root can change the file, or one of the directories on its path
 */
export async function readTrusted(disk: Disk, path: string, code: ErrorCode): Promise<string | undefined> {
  const fault = await disk.fault(path);
  if (fault !== undefined)
    throw new AgentError(code, `reading ${path}: ${fault}; chown it to root and chmod go-w`, {
      reason: 'untrusted-file',
    });
  const isThere = (await disk.info(path)) !== undefined;
  return isThere ? (await disk.read(path)).toString('utf8') : undefined;
}

/**
 * A program that others than root cannot change.
 *
 * @throws `precondition` when they can, or when it is no executable file
 */
export async function requireProgram(path: string, disk: Disk): Promise<void> {
  const fault = await disk.fault(path);
  if (fault !== undefined)
    throw new AgentError(
      'precondition',
      `refusing to run ${path}: ${fault}; chown it to root and chmod go-w`,
      { reason: 'hook-untrusted' },
    );
  const info = await disk.info(await disk.resolve(path));
  if (info?.type !== 'file' || (info.mode & 0o111) === 0)
    throw new AgentError('precondition', `running ${path}: it is no executable file; chmod +x`, {
      reason: 'hook-not-executable',
    });
}
