import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { isObject } from './json.ts';

const run = promisify(execFile);

/** Label, access lists and extended attributes. Node knows none of them; cp (coreutils) takes those that there are. */
export async function copyAttributes(from: string, to: string): Promise<void> {
  try {
    await run('cp', ['--attributes-only', '--preserve=all', '--', from, to]);
  } catch (cause) {
    const words = isObject(cause) && typeof cause['stderr'] === 'string' ? cause['stderr'].trim() : '';
    throw new Error(`its attributes could not be copied (${words || 'cp cannot be run'})`, { cause });
  }
}
