import * as v from 'valibot';
import type { Disk } from '../base/disk.ts';
import { AgentError } from '../base/errors.ts';
import { readRecord, withFormerNames, writeRecord } from '../base/record.ts';

/**
 * The journal of the current generation. Its state tells what to do after a restart:
 *
 * | state        | on disk                                            | after a restart               |
 * |--------------|----------------------------------------------------|-------------------------------|
 * | staging      | some new files beside their targets                | remove them; then a stuck one is current again |
 * | committing   | all new files staged, some already renamed         | rename the rest               |
 * | committed    | every target is new, its predecessor is saved      | prove it, or roll back        |
 * | reverting    | some targets are old again                         | restore the rest              |
 * | reverted     | every target is old again                          | prove it                      |
 * | ended        | the outcome is stored in `run`                     | record the outcome, clean up  |
 * | stuck        | neither way is possible; both generations are kept | nothing: an operator has to act, or rotate again |
 *
 * A generation staged while another is stuck takes over that one's saved copies. So the last resort is always the files
 * that were proven last, whatever is in their places now.
 */
const Attributes = v.object({ mode: v.number(), uid: v.number(), gid: v.number() });

const JournalFile = v.object({
  /** The file to replace, symlinks resolved. */
  target: v.string(),
  staged: v.string(),
  /** Identity of the existing file when this one was staged (Snapshot.id), until files are replaced. */
  found: v.optional(v.string()),
  /** The saved copy of the former file and its attributes; null if there was none. */
  previous: v.nullable(v.object({ copy: v.string(), attributes: Attributes })),
});

/** Key names of earlier versions. */
const FORMER = { owner: 'runId', rest: 'run' };

const Over = v.object({ runId: v.string(), files: v.array(JournalFile), run: v.unknown() });

const Shape = v.object({
  version: v.literal(1),
  /** The deployment or verb that this generation belongs to. */
  runId: v.string(),
  state: v.picklist(['staging', 'committing', 'committed', 'reverting', 'reverted', 'ended', 'stuck']),
  files: v.array(JournalFile),
  /** The work that remains after the replacement. src/files stores it and does not interpret it. */
  run: v.unknown(),
  /** The stuck generation that becomes current again if this one is abandoned before anything is replaced. */
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
  throw new AgentError('state', `reading ${path}: not a journal of this version`);
};

export const writeJournal = async (disk: Disk, path: string, journal: Journal): Promise<void> => {
  await writeRecord(disk, path, journal);
};
