import type { Disk } from './disk.ts';
import { AgentError, type ErrorCode } from './errors.ts';

/**
 * Returns why users other than root and the current user can change a file or directory, as text to follow its path;
 * undefined if they cannot.
 *
 * @param self the current user's id
 */
export const trustFault = (
  { uid, mode }: { uid: number; mode: number },
  self: number,
): string | undefined => {
  if (uid !== 0 && uid !== self) return `belongs to user ${uid}`;
  return (mode & 0o022) === 0 ? undefined : `can be written by others (mode ${(mode & 0o777).toString(8)})`;
};

/**
 * Reads a file that decides what this program does as root: its configuration, or metadata stored in files.
 *
 * @param code the code of the error
 * @returns undefined if the file does not exist
 * @throws `code` if users other than root can change the file or a directory on its path
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
 * Checks that a path is an executable file that only root can change.
 *
 * @throws `precondition` if it is not
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
    throw new AgentError('precondition', `running ${path}: not an executable file; chmod +x`, {
      reason: 'hook-not-executable',
    });
}
