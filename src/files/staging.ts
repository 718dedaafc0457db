import { basename, dirname, join } from 'node:path';
import type { Attributes, Disk } from '../base/disk.ts';
import { AgentError } from '../base/errors.ts';
import type { Journal, JournalFile } from './journal.ts';
import type { ManagedFile } from './managed-file.ts';
import type { FindOwner } from './owners.ts';

/** Both names are derived from the target, so that the files can be identified without the journal. */
export const placesOf = (target: string, previousDirectory: string): { staged: string; copy: string } => ({
  staged: join(dirname(target), `.${basename(target)}.coe-agent`),
  copy: join(previousDirectory, encodeURIComponent(target)),
});

export const targetOf = (copy: string): string => decodeURIComponent(copy);

export type Staging = {
  entry: JournalFile;
  content: string | Uint8Array;
  attributes: Attributes;
  /** The present content to save; undefined if the file does not exist, or if a better copy is saved already. */
  keep: Buffer | undefined;
  directoryMode: number;
};

/**
 * Plans the staging of one file; undefined if the target already has the right content.
 *
 * @param proven the files of a stuck generation, with its saved copies
 */
export async function planStaging(
  disk: Disk,
  file: ManagedFile,
  previousDirectory: string,
  findOwner: FindOwner,
  proven: ReadonlyMap<string, JournalFile>,
): Promise<Staging | undefined> {
  const target = await disk.resolve(file.path);
  const info = await disk.info(target);
  if (info && info.type !== 'file')
    throw new AgentError('disk', `replacing ${target}: it is a ${info.type}, not a file`, {
      reason: 'not-a-file',
    });
  const found = await disk.snapshot(target);
  if (file.madeFrom !== undefined && file.madeFrom !== found?.id) throw isAnother(target);
  const { content } = file;
  if (found?.content.equals(typeof content === 'string' ? Buffer.from(content) : content)) return undefined;
  const { staged, copy } = placesOf(target, previousDirectory);
  const known = proven.get(target);
  // These files are not programs, so set-user-ID bits are dropped.
  const own = found && { mode: found.info.mode & 0o777, uid: found.info.uid, gid: found.info.gid };
  const previous = known ? known.previous : own ? { copy, attributes: own } : null;
  return {
    entry: { target, staged, previous, ...(found && { found: found.id }) },
    content,
    attributes: own ??
      known?.previous?.attributes ?? { mode: file.mode, ...findOwner(file.owner, file.group) },
    keep: known ? undefined : found?.content,
    directoryMode: file.directoryMode,
  };
}

/** Checks, before anything is replaced, that each target is still the file that was saved. */
export async function refuseOthers(disk: Disk, { files }: Journal): Promise<void> {
  for (const { target, found, staged } of files)
    if ((await disk.info(staged)) && (await disk.snapshot(target))?.id !== found) throw isAnother(target);
}

const isAnother = (target: string): AgentError =>
  new AgentError(
    'disk',
    `replacing ${target}: the file was replaced after it was read; find the program that writes it and try again`,
    { reason: 'file-exchanged' },
  );

export async function writeStaging(disk: Disk, { entry, content, attributes, keep }: Staging): Promise<void> {
  await disk.remove(entry.staged);
  await disk.create(entry.staged, content, { ...attributes, like: entry.target });
  if (!entry.previous || keep === undefined) return;
  await disk.remove(entry.previous.copy);
  await disk.create(entry.previous.copy, keep, { mode: 0o600 });
}
