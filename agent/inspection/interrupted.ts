import * as v from 'valibot';
import { codeOf, explain } from '../../src/base/errors.ts';
import type { Holder } from '../../src/base/lock.ts';
import type { Hands } from '../hands.ts';
import { describeRecovery, type Recovery, recoveryOf } from '../plan/recovery.ts';
import { RunRecordSchema } from '../plan/run-record.ts';

/** A run that is under way or was interrupted, and what the next pass does with it. */
export type Interrupted = {
  /** A deployment's id or a verb; null: the journal is damaged. */
  runId: string | null;
  recovery: Recovery | 'rebuild';
  /** The process that holds the lock has begun it, and works on it. */
  isUnderWay: boolean;
  text: string;
};

/**
 * With a damaged journal the rest is still shown.
 *
 * @param holder who holds the lock: what was begun before it took the lock was interrupted
 */
export async function findInterrupted(
  { generations }: Pick<Hands, 'generations'>,
  holder?: Pick<Holder, 'since'>,
): Promise<Interrupted | undefined> {
  try {
    const journal = await generations.current();
    if (!journal) return undefined;
    const { runId } = journal;
    const recovery = recoveryOf(journal);
    const record = v.safeParse(RunRecordSchema, journal.run);
    const begun = record.success ? record.output.begun : undefined;
    const isUnderWay =
      recovery !== 'wait-for-person' && holder !== undefined && begun !== undefined && begun >= holder.since;
    const text = isUnderWay ? `the run of ${runId} is under way` : describeRecovery(recovery, runId);
    return { runId, recovery, isUnderWay, text };
  } catch (error) {
    if (codeOf(error) !== 'state') throw error;
    const text = `an interrupted run is finished or taken back first: ${explain(error)}, it is rebuilt from the certificates`;
    return { runId: null, recovery: 'rebuild', isUnderWay: false, text };
  }
}

/** Nothing goes on by itself: a person has to act. */
export const isStuck = (run: Interrupted | undefined): boolean => run?.recovery === 'wait-for-person';
