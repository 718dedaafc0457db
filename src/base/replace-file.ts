import { basename, dirname, join } from 'node:path';
import type { Disk, NewFile } from './disk.ts';
import { errnoOf } from './errors.ts';

/** The temporary file that gets the new content before the rename. A kill may leave it behind. */
export const unfinished = (path: string): string => join(dirname(path), `.${basename(path)}.new`);

/**
 * Replaces a file atomically: a reader sees the old or the new content, and so does the next start after a power cut if
 * the file is durable.
 */
export async function replaceFile(
  disk: Disk,
  path: string,
  content: string | Uint8Array,
  attributes: NewFile,
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
    await disk.rename(staged, path, attributes);
  } catch (error) {
    await disk.remove(staged).catch(() => undefined);
    throw error;
  }
  if (attributes.durable !== false) await disk.sync(dirname(path));
}
