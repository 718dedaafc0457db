import { basename, dirname, join } from 'node:path';
import { type Attributes, type Disk, isMissing, readIfThere } from '../base/disk.ts';
import { AgentError } from '../base/errors.ts';
import { type Journal, type JournalFile, readJournal, writeJournal } from './journal.ts';
import type { ManagedFile } from './managed-file.ts';
import type { FindOwner } from './owners.ts';

/**
 * All files of one rotation are one generation: staged beside their targets, put in place together, and,
 * until the services have proven that they serve it, taken back together. Each step is durable before the
 * next, so that a kill at any instant is one or the other after the next start.
 */
export type Generations = {
  /** Whether there is a journal, good or damaged. */
  underWay(): Promise<boolean>;
  /** The generation that is under way, if any. @throws `state` when its journal is damaged */
  current(): Promise<Journal | undefined>;
  /**
   * Writes every file that changes beside its target and keeps what is there now. Nothing is replaced yet.
   *
   * @param rest given the paths that change: what is left to do once they have been replaced
   */
  stage(owner: string, files: readonly ManagedFile[], rest: (changed: string[]) => unknown): Promise<Journal>;
  /** Puts the staged files in place. */
  commit(journal: Journal): Promise<Journal>;
  /** Brings back what the commit replaced. */
  revert(journal: Journal): Promise<Journal>;
  /** Notes how it ended, before anything that a way back would need is removed. */
  end(journal: Journal, rest: unknown): Promise<Journal>;
  /** Notes that neither way is possible: both generations are kept for a person to look at. */
  stick(journal: Journal, rest: unknown): Promise<Journal>;
  /**
   * A journal in place of one that is damaged, from what lies on the disk for these paths: staged files and
   * kept copies are named after their targets. It is not written yet.
   */
  rebuild(paths: readonly string[], rest: unknown): Promise<Journal>;
  /** Forgets the generation: its kept copies, its leftovers and its journal. */
  clear(): Promise<void>;
};

export function createGenerations(disk: Disk, directory: string, findOwner: FindOwner): Generations {
  const journalPath = join(directory, 'journal');
  const previousDirectory = join(directory, 'previous');

  const advance = async (
    journal: Journal,
    state: Journal['state'],
    rest = journal.rest,
  ): Promise<Journal> => {
    const next = { ...journal, state, rest };
    await writeJournal(disk, journalPath, next);
    return next;
  };

  const clear = async (): Promise<void> => {
    const journal = await readJournal(disk, journalPath);
    if (!journal) return;
    for (const { staged } of journal.files) await disk.remove(staged);
    for (const name of await disk.list(previousDirectory)) await disk.remove(join(previousDirectory, name));
    for (const path of [...directoriesOf(journal), previousDirectory])
      // A run that was killed early has not made every directory yet.
      if (await disk.info(path)) await disk.sync(path);
    await disk.remove(journalPath);
    await disk.sync(directory);
  };

  return {
    underWay: async () => (await disk.info(journalPath)) !== undefined,
    current: async () => await readJournal(disk, journalPath),

    stage: async (owner, files, rest) => {
      await clear();
      await disk.makeDirectory(previousDirectory, { mode: 0o700 });
      const plans: Staging[] = [];
      for (const file of files) {
        const plan = await planStaging(disk, file, previousDirectory, findOwner);
        if (plan) plans.push(plan);
      }
      // The journal comes first: whatever is written from here on can be found again.
      const journal: Journal = {
        version: 1,
        owner,
        state: 'staging',
        files: plans.map(({ entry }) => entry),
        rest: rest(plans.map(({ entry }) => entry.target)),
      };
      await writeJournal(disk, journalPath, journal);
      for (const { entry, content, attributes, before, directoryMode } of plans) {
        await disk.makeDirectory(dirname(entry.target), { ...attributes, mode: directoryMode });
        await disk.remove(entry.staged);
        await disk.create(entry.staged, content, {
          ...attributes,
          like: entry.previous ? entry.target : undefined,
        });
        if (!entry.previous || before === undefined) continue;
        await disk.remove(entry.previous.copy);
        await disk.create(entry.previous.copy, before, { mode: 0o600 });
      }
      await syncAll(disk, [previousDirectory, ...directoriesOf(journal)]);
      return journal;
    },

    commit: async (journal) => {
      const committing = await advance(journal, 'committing');
      for (const { staged, target } of committing.files) await renameIfThere(disk, staged, target);
      await syncAll(disk, directoriesOf(committing));
      return await advance(committing, 'committed');
    },

    revert: async (journal) => {
      const reverting = await advance(journal, 'reverting');
      for (const file of reverting.files) await restore(disk, file);
      await syncAll(disk, directoriesOf(reverting));
      return await advance(reverting, 'reverted');
    },

    end: async (journal, rest) => await advance(journal, 'ended', rest),
    stick: async (journal, rest) => await advance(journal, 'stuck', rest),

    rebuild: async (paths, rest) => {
      const files: JournalFile[] = [];
      for (const path of paths) {
        const target = await disk.resolve(path);
        const { staged, copy } = placesOf(target, previousDirectory);
        const kept = await disk.info(copy);
        if (!kept && !(await disk.info(staged))) continue;
        const like = (await disk.info(target)) ?? (await disk.info(staged)) ?? kept;
        const attributes = like && { mode: like.mode, uid: like.uid, gid: like.gid };
        files.push({ target, staged, previous: kept && attributes ? { copy, attributes } : null });
      }
      return { version: 1, owner: 'salvage', state: 'committing', files, rest };
    },

    clear,
  };
}

/** Both are named after the target, so that they can be told apart even without the journal. */
const placesOf = (target: string, previousDirectory: string): { staged: string; copy: string } => ({
  staged: join(dirname(target), `.${basename(target)}.coe-agent`),
  copy: join(previousDirectory, encodeURIComponent(target)),
});

type Staging = {
  entry: JournalFile;
  content: string;
  attributes: Attributes;
  before: Buffer | undefined;
  directoryMode: number;
};

/** What staging one file takes; undefined when the target is right as it is. */
async function planStaging(
  disk: Disk,
  file: ManagedFile,
  previousDirectory: string,
  findOwner: FindOwner,
): Promise<Staging | undefined> {
  const target = await disk.resolve(file.path);
  const info = await disk.info(target);
  if (info && info.type !== 'file')
    throw new AgentError('disk', `replacing ${target}: it is no file but a ${info.type}`);
  const before = await readIfThere(disk, target);
  if (before?.equals(Buffer.from(file.content))) return undefined;
  const attributes = info
    ? { mode: info.mode, uid: info.uid, gid: info.gid }
    : { mode: file.mode, ...findOwner(file.owner, file.group) };
  const { staged, copy } = placesOf(target, previousDirectory);
  const entry = { target, staged, previous: info ? { copy, attributes } : null };
  return { entry, content: file.content, attributes, before, directoryMode: file.directoryMode };
}

/** A staged file that is gone has been put in place before a restart. */
async function renameIfThere(disk: Disk, staged: string, target: string): Promise<void> {
  try {
    await disk.rename(staged, target);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function restore(disk: Disk, { target, staged, previous }: JournalFile): Promise<void> {
  if (!previous) {
    await disk.remove(target);
    return;
  }
  const content = await disk.read(previous.copy);
  await disk.remove(staged);
  // The target, old or new, has had the labels of the old one ever since.
  const like = (await disk.info(target)) ? target : undefined;
  await disk.create(staged, content, { ...previous.attributes, like });
  await disk.rename(staged, target);
}

const directoriesOf = ({ files }: Journal): string[] => [
  ...new Set(files.map(({ target }) => dirname(target))),
];

async function syncAll(disk: Disk, directories: readonly string[]): Promise<void> {
  for (const directory of directories) await disk.sync(directory);
}
