import { join } from 'node:path';
import type { Disk } from '../base/disk.ts';
import { requireProgram } from '../base/trust.ts';

/** Directories in which packages and image elements install hooks. */
export const HOOK_DIRECTORIES = ['/usr/libexec/heat-config/hooks', '/var/lib/heat-config/hooks'] as const;

/**
 * Finds the first hook of a name in several directories; undefined if there is none.
 *
 * @throws `precondition` if users other than root can change it, or if it is not executable
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
    await requireProgram(path, disk);
    return path;
  }
  return undefined;
}
