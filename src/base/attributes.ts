import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { isObject } from './json.ts';

const run = promisify(execFile);

/** Which of some files have more to them than owner and mode: a label (SELinux), access lists, extended attributes. */
export type FindExtras = (files: readonly string[]) => Promise<ReadonlySet<string>>;

/**
 * Asks getfattr once for all files. Node itself cannot tell; where there is no getfattr nobody knows, so each of them
 * may.
 *
 * @param program the getfattr to run
 */
export const findExtras =
  (program = 'getfattr'): FindExtras =>
  async (files) => {
    if (files.length === 0) return new Set();
    try {
      const { stdout } = await run(program, ['--absolute-names', '--match=-', '--', ...files]);
      const named = stdout
        .split('\n')
        .flatMap((line) => (line.startsWith(NAME) ? line.slice(NAME.length) : []));
      // It writes some characters in another way.
      return new Set(files.filter((file) => named.includes(file) || /[^\w\-./ @+:]/.test(file)));
    } catch {
      return new Set(files);
    }
  };

const NAME = '# file: ';

/** Label, access lists and extended attributes. Node knows none of them; cp (coreutils) takes those that there are. */
export async function copyAttributes(from: string, to: string): Promise<void> {
  try {
    await run('cp', ['--attributes-only', '--preserve=all', '--', from, to]);
  } catch (cause) {
    const words = isObject(cause) && typeof cause['stderr'] === 'string' ? cause['stderr'].trim() : '';
    throw new Error(`its attributes could not be copied (${words || 'cp cannot be run'})`, { cause });
  }
}
