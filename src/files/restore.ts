import type { Attributes, Disk } from '../base/disk.ts';
import type { JournalFile } from './journal.ts';

/** Restores one file that a generation replaced, or removes one that it created. */
export async function restore(disk: Disk, { target, staged, previous }: JournalFile): Promise<void> {
  if (!previous) {
    await disk.remove(target);
    return;
  }
  const content = await disk.read(previous.copy);
  await disk.remove(staged);
  if (await isThere(disk, target, content, previous.attributes)) return;
  // The target, old or new, carries the labels of the old file.
  await disk.create(staged, content, { ...previous.attributes, like: target });
  await disk.rename(staged, target);
}

/** Whether the old file is still in place: a file that could not be replaced would fail again. */
async function isThere(
  disk: Disk,
  target: string,
  content: Buffer,
  { mode, uid, gid }: Attributes,
): Promise<boolean> {
  if ((await disk.info(target))?.type !== 'file') return false;
  const found = await disk.snapshot(target);
  if (found?.info.mode !== mode || found.info.uid !== uid || found.info.gid !== gid) return false;
  return found.content.equals(content);
}
