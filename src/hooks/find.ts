import { join } from 'node:path';
import type { Disk } from '../base/disk.ts';
import { AgentError } from '../base/errors.ts';
import { pathFault } from '../base/trust.ts';

/** Where packages and image elements put hooks. */
export const HOOK_DIRECTORIES = ['/usr/libexec/heat-config/hooks', '/var/lib/heat-config/hooks'] as const;

/**
 * The first hook of a name in some directories; undefined when none has it.
 *
 * @param uid whose files are trusted beside root's
 * @throws `precondition` when somebody else could have put it there, or it is no program
 */
export async function findHook(
  name: string,
  directories: readonly string[],
  { disk, uid }: { disk: Disk; uid: number },
): Promise<string | undefined> {
  for (const directory of directories) {
    const path = join(directory, name);
    const info = await disk.info(await disk.resolve(path));
    if (!info) continue;
    const fault = await pathFault(disk, path, uid);
    if (fault !== undefined)
      throw new AgentError(
        'precondition',
        `the hook ${path} is not run, it could be anybody's: ${fault}; chown it to root and chmod go-w`,
      );
    if (info.type !== 'file' || (info.mode & 0o111) === 0)
      throw new AgentError('precondition', `the hook ${path} is no executable file; chmod +x`);
    return path;
  }
  return undefined;
}
