import { basename, dirname, join } from 'node:path';
import type { Attributes, Disk } from './disk.ts';
import { errnoOf } from './errors.ts';

/** Replaces a file so that a reader, or the next start after a power cut, sees the old or the new content. */
export async function replaceFile(
  disk: Disk,
  path: string,
  content: string | Uint8Array,
  attributes: Partial<Attributes>,
): Promise<void> {
  const staged = join(dirname(path), `.${basename(path)}.new`);
  try {
    await disk.create(staged, content, attributes);
  } catch (error) {
    // What a kill has left there; nearly always there is nothing.
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
