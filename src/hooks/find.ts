import { join } from 'node:path';
import type { Disk } from '../base/disk.ts';
import { requireProgram } from '../base/trust.ts';

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
    await requireProgram(path, disk);
    return path;
  }
  return undefined;
}
