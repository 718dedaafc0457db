import { basename, dirname, join } from 'node:path';
import type { Attributes, Disk } from './disk.ts';
import { errnoOf } from './errors.ts';

/** The temporary file that gets the new content before the rename. A kill may leave it behind. */
export const unfinished = (path: string): string => join(dirname(path), `.${basename(path)}.new`);

/** Replaces a file atomically: a reader, or the next start after a power cut, sees the old or the new content. */
export async function replaceFile(
  disk: Disk,
  path: string,
  content: string | Uint8Array,
  attributes: Partial<Attributes>,
): Promise<void> {
  const staged = unfinished(path);
  try {
    await disk.create(staged, content, attributes);
  } catch (error) {
    // A kill left it behind, which is rare; so it is not checked first.
    if (errnoOf(error) !== 'EEXIST') throw error;
    await disk.remove(staged);
    await disk.create(staged, content, attributes);
  }
  try {
    await disk.rename(staged, path);
  } catch (error) {
    await disk.remove(staged).catch(() => undefined);
    throw error;
  }
  await disk.sync(dirname(path));
}
