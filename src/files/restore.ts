import type { Attributes, Disk } from '../base/disk.ts';
import type { JournalFile } from './journal.ts';

/** Brings back what a generation has replaced at one place, or takes away what it has put there. */
export async function restore(disk: Disk, { target, staged, previous }: JournalFile): Promise<void> {
  if (!previous) {
    await disk.remove(target);
    return;
  }
  const content = await disk.read(previous.copy);
  await disk.remove(staged);
  if (await isThere(disk, target, content, previous.attributes)) return;
  // The target, old or new, has had the labels of the old one ever since.
  await disk.create(staged, content, { ...previous.attributes, like: target });
  await disk.rename(staged, target);
}

/** What could not be replaced need not be brought back: trying it again would only fail again. */
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
