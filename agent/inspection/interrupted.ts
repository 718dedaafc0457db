import * as v from 'valibot';
import { codeOf, explain } from '../../src/base/errors.ts';
import type { Holder } from '../../src/base/lock.ts';
import type { Hands } from '../hands.ts';
import { describeRecovery, type Recovery, recoveryOf } from '../plan/recovery.ts';
import { RunRecordSchema } from '../plan/run-record.ts';

/** A run that is in progress or was interrupted, and how the next pass handles it. */
export type Interrupted = {
  /** A deployment's id or a verb. null: the journal is damaged. */
  runId: string | null;
  recovery: Recovery | 'rebuild';
  /** The process that holds the lock started this run and is working on it. */
  isUnderWay: boolean;
  text: string;
};

/**
 * Finds an interrupted run. If the journal is damaged, the other data are still shown.
 *
 * @param holder the holder of the lock: a run that started before it took the lock was interrupted
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
    const text = `an interrupted run is completed or rolled back first: ${explain(error)}; the journal is rebuilt from the certificates`;
    return { runId: null, recovery: 'rebuild', isUnderWay: false, text };
  }
}

/** Whether the run cannot resume by itself, so that a person must act. */
export const isStuck = (run: Interrupted | undefined): boolean => run?.recovery === 'wait-for-person';
