import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';

const LockFile = v.object({
  packages: v.record(
    v.string(),
    v.object({ version: v.optional(v.string()), integrity: v.optional(v.string()) }),
  ),
});

/** Returns a package's entry in the lock file, which its archive must match. */
export async function lockedPackage(name: string): Promise<{ version: string; integrity: string }> {
  const text = await readFile(join(import.meta.dirname, '../../package-lock.json'), 'utf8');
  const { version, integrity } = v.parse(LockFile, JSON.parse(text)).packages[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined)
    throw new Error(`the lock file does not name ${name}`);
  return { version, integrity };
}
