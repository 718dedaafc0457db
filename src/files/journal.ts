import * as v from 'valibot';
import type { Disk } from '../base/disk.ts';
import { AgentError } from '../base/errors.ts';
import { readRecord, withFormerNames, writeRecord } from '../base/record.ts';

/**
 * The journal of the one generation that is under way. Its state says what a restart has to do:
 *
 * | state        | on disk                                            | after a restart              |
 * |--------------|----------------------------------------------------|------------------------------|
 * | staging      | some new files beside their targets                | remove them; what was stuck is stuck again |
 * | committing   | all new files staged, some already renamed         | rename the rest              |
 * | committed    | every target is new, its predecessor is kept       | prove it, or go back         |
 * | reverting    | some targets are old again                         | restore the rest             |
 * | reverted     | every target is old again                          | prove it                     |
 * | ended        | it is known how it ended, and kept in `run`        | record the outcome, clean up |
 * | stuck        | neither way is possible; both generations are kept | nothing: a person has to look, or to rotate again |
 *
 * A generation that is staged while another is stuck takes over what that one has kept: the files of last resort are
 * those that were proven last, whatever lies in their places now.
 */
const Attributes = v.object({ mode: v.number(), uid: v.number(), gid: v.number() });

const JournalFile = v.object({
  /** The file that is replaced; a symlink has been followed. */
  target: v.string(),
  staged: v.string(),
  /** The file that was there when this one was staged (Snapshot.id), until files are replaced. */
  found: v.optional(v.string()),
  /** The copy of what was there before and its attributes; null when there was nothing. */
  previous: v.nullable(v.object({ copy: v.string(), attributes: Attributes })),
});

/** Names that earlier versions wrote. */
const FORMER = { owner: 'runId', rest: 'run' };

const Over = v.object({ runId: v.string(), files: v.array(JournalFile), run: v.unknown() });

const Shape = v.object({
  version: v.literal(1),
  /** The deployment, or the verb, that this generation is for. */
  runId: v.string(),
  state: v.picklist(['staging', 'committing', 'committed', 'reverting', 'reverted', 'ended', 'stuck']),
  files: v.array(JournalFile),
  /** What is left to do once the files are in place; files/ keeps it and does not look into it. */
  run: v.unknown(),
  /** The stuck generation that comes back when this one is given up before anything has been replaced. */
  over: v.optional(withFormerNames(Over, FORMER)),
});

const Journal = withFormerNames(Shape, FORMER);

export type Journal = v.InferOutput<typeof Journal>;
export type JournalFile = v.InferOutput<typeof JournalFile>;

export const readJournal = async (disk: Disk, path: string): Promise<Journal | undefined> => {
  const record = await readRecord(disk, path);
  if (record === undefined) return undefined;
  const parsed = v.safeParse(Journal, record);
  if (parsed.success) return parsed.output;
  throw new AgentError('state', `reading ${path}: it is no journal of this version`);
};

export const writeJournal = async (disk: Disk, path: string, journal: Journal): Promise<void> => {
  await writeRecord(disk, path, journal);
};
