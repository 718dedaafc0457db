import { join } from 'node:path';
import type { Disk } from '../base/disk.ts';
import { AgentError } from '../base/errors.ts';

/** Where packages and image elements put hooks. */
export const HOOK_DIRECTORIES = ['/usr/libexec/heat-config/hooks', '/var/lib/heat-config/hooks'] as const;

/**
 * The first hook of a name in some directories; undefined when none has it.
 *
 * @throws `precondition` when others than root can change it, or it is no program
 */
export async function findHook(
  name: string,
  directories: readonly string[],
  disk: Disk,
): Promise<string | undefined> {
  for (const directory of directories) {
    const path = join(directory, name);
    const info = await disk.info(await disk.resolve(path));
    if (!info) continue;
    const fault = await disk.fault(path);
    if (fault !== undefined)
      throw new AgentError(
        'precondition',
        `refusing to run the hook ${path}: ${fault}; chown it to root and chmod go-w`,
        { reason: 'hook-untrusted' },
      );
    if (info.type !== 'file' || (info.mode & 0o111) === 0)
      throw new AgentError('precondition', `the hook ${path} is no executable file; chmod +x`, {
        reason: 'hook-not-executable',
      });
    return path;
  }
  return undefined;
}
