import { basename, dirname, join } from 'node:path';
import { type Disk, isMissing } from '../base/disk.ts';
import { allSettled } from '../base/all-settled.ts';
import { unfinished } from '../base/replace-file.ts';
import { type Journal, type JournalFile, readJournal, writeJournal } from './journal.ts';
import type { ManagedFile } from './managed-file.ts';
import type { FindOwner } from './owners.ts';
import { restore } from './restore.ts';
import { placesOf, planStaging, refuseOthers, type Staging, targetOf, writeStaging } from './staging.ts';

/**
 * All files of one rotation form a generation: staged beside their targets, put in place together and, until the
 * services have proven that they serve it, rolled back together. Each step is durable before the next, so after a kill
 * the next start completes or reverts the generation.
 */
export type Generations = {
  /** Whether a journal exists, valid or damaged. */
  underWay(): Promise<boolean>;
  /** Returns the current generation, if any. @throws `state` if its journal is damaged */
  current(): Promise<Journal | undefined>;
  /**
   * Writes every changed file beside its target and saves the present file. If a generation is stuck, keeps the files
   * that it has saved instead. Replaces nothing yet.
   *
   * @param run receives the changed paths and the stuck generation's run; returns what remains to be done after the
   * replacement
   */
  stage(
    runId: string,
    files: readonly ManagedFile[],
    run: (changed: string[], over: unknown) => unknown,
  ): Promise<Journal>;
  /** Puts the staged files in place. */
  commit(journal: Journal): Promise<Journal>;
  /** Records the progress. */
  note(journal: Journal, run: unknown): Promise<Journal>;
  /** Restores what the commit replaced. */
  revert(journal: Journal): Promise<Journal>;
  /** Records how it ended, before anything needed for a roll-back is removed. */
  end(journal: Journal, run: unknown): Promise<Journal>;
  /** Records that neither new nor old files can be put in place. Both generations are kept for an operator. */
  stick(journal: Journal, run: unknown): Promise<Journal>;
  /**
   * Rebuilds a damaged journal from the disk, for the given paths and all saved copies: the names of staged files and
   * saved copies are derived from their targets. Does not write it.
   */
  rebuild(paths: readonly string[], run: unknown): Promise<Journal>;
  /**
   * Deletes the generation: its saved copies, its leftovers and its journal. If it was only staged, the stuck
   * generation under it becomes current again.
   */
  clear(): Promise<void>;
};

export function createGenerations(disk: Disk, directory: string, findOwner: FindOwner): Generations {
  const journalPath = join(directory, 'journal');
  const previousDirectory = join(directory, 'previous');

  const advance = async (journal: Journal, state: Journal['state'], run = journal.run): Promise<Journal> => {
    const next = { ...journal, state, run };
    await writeJournal(disk, journalPath, next);
    return next;
  };

  const clear = async (): Promise<void> => {
    const journal = await readJournal(disk, journalPath);
    if (!journal) {
      await disk.remove(unfinished(journalPath));
      return;
    }
    const stuck = journal.state === 'staging' ? journal.over : undefined;
    const kept = new Set(stuck?.files.map(({ previous }) => previous && basename(previous.copy)));
    for (const { staged } of journal.files) await disk.remove(staged);
    for (const name of await disk.list(previousDirectory))
      if (!kept.has(name)) await disk.remove(join(previousDirectory, name));
    for (const path of [...directoriesOf(journal), previousDirectory])
      // A run that was killed early may not have created every directory.
      if (await disk.info(path)) await disk.sync(path);
    if (stuck) {
      await writeJournal(disk, journalPath, { version: 1, state: 'stuck', ...stuck });
      return;
    }
    await disk.remove(journalPath);
    await disk.sync(directory);
  };

  /** Deletes the current generation unless it is stuck; returns the stuck one. */
  const clearUnlessStuck = async (): Promise<Journal | undefined> => {
    if ((await readJournal(disk, journalPath))?.state !== 'stuck') await clear();
    return await readJournal(disk, journalPath);
  };

  return {
    underWay: async () => (await disk.info(journalPath)) !== undefined,
    current: async () => await readJournal(disk, journalPath),

    stage: async (runId, files, run) => {
      const stuck = await clearUnlessStuck();
      const proven = new Map(stuck?.files.map((file) => [file.target, file]));
      await disk.makeDirectory(previousDirectory, { mode: 0o700 });
      // Keyed by target: two paths may lead to one file.
      const staging = new Map<string, Staging>();
      for (const file of files) {
        const plan = await planStaging(disk, file, previousDirectory, findOwner, proven);
        if (plan) staging.set(plan.entry.target, plan);
      }
      const plans = [...staging.values()];
      const changed = plans.map(({ entry }) => entry.target);
      // Unchanged files of the stuck generation, which are rolled back with the others.
      const carried = [...proven.values()].filter(({ target }) => !changed.includes(target));
      for (const { staged } of carried) await disk.remove(staged);
      // The journal is written first, so that whatever is written afterwards can be found again.
      const journal: Journal = {
        version: 1,
        runId,
        state: 'staging',
        files: [...plans.map(({ entry }) => entry), ...carried],
        run: run(changed, stuck?.run),
        ...(stuck && { over: { runId: stuck.runId, files: stuck.files, run: stuck.run } }),
      };
      await writeJournal(disk, journalPath, journal);
      // Sequential: a directory created as the parent of another would not get its own mode and owner.
      for (const { entry, attributes, directoryMode: mode } of plans)
        await disk.makeDirectory(dirname(entry.target), { ...attributes, mode });
      // Parallel: a disk syncs many files in about the time of one.
      await allSettled(plans, async (plan) => {
        await writeStaging(disk, plan);
      });
      await syncAll(disk, [previousDirectory, ...directoriesOf(journal)]);
      return journal;
    },

    commit: async (journal) => {
      if (journal.state === 'staging') await refuseOthers(disk, journal);
      // The stuck generation ends here: from now on its saved copies belong to this one.
      const committing = await advance({ ...journal, over: undefined }, 'committing');
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

    note: async (journal, run) => await advance(journal, journal.state, run),
    end: async (journal, run) => await advance(journal, 'ended', run),
    stick: async (journal, run) => await advance(journal, 'stuck', run),

    rebuild: async (paths, run) => {
      const files: JournalFile[] = [];
      const kept = (await disk.list(previousDirectory)).map(targetOf);
      const targets = await Promise.all(paths.map(async (path) => await disk.resolve(path)));
      for (const target of new Set([...targets, ...kept])) {
        const { staged, copy } = placesOf(target, previousDirectory);
        const before = await disk.info(copy);
        if (!before && !(await disk.info(staged))) continue;
        const like = (await disk.info(target)) ?? (await disk.info(staged)) ?? before;
        const attributes = like && { mode: like.mode, uid: like.uid, gid: like.gid };
        files.push({ target, staged, previous: before && attributes ? { copy, attributes } : null });
      }
      return { version: 1, runId: 'rebuild', state: 'committing', files, run };
    },

    clear,
  };
}

/** Renames a staged file. A missing one was put in place before a restart. */
async function renameIfThere(disk: Disk, staged: string, target: string): Promise<void> {
  try {
    await disk.rename(staged, target);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

const directoriesOf = ({ files }: Journal): string[] => [
  ...new Set(files.map(({ target }) => dirname(target))),
];

async function syncAll(disk: Disk, directories: readonly string[]): Promise<void> {
  for (const directory of directories) await disk.sync(directory);
}
