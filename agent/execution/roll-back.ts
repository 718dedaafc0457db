import * as v from 'valibot';
import { AgentError, codeOf, excerptOf, reasonOf, sentenceOf } from '../../src/base/errors.ts';
import { certificatesIn } from '../../src/certificates/read.ts';
import type { NodeState, Outcome } from '../../src/deployment/deployment.ts';
import type { Journal } from '../../src/files/journal.ts';
import type { Hands } from '../hands.ts';
import { failed, presentable } from '../../src/deployment/outcome.ts';
import { showStep } from '../plan/describe.ts';
import { keepCause, type RunRecord, RunRecordSchema } from '../plan/run-record.ts';
import type { RestartStep } from '../plan/step.ts';
import { type ShownStep, timed } from '../progress.ts';
import type { Failed } from './ended.ts';
import { unitsToRestore } from './found-units.ts';
import type { Run } from './prepare.ts';
import { type Manner, restartInOrder } from './restart-in-order.ts';
import { assertAllStable, startStopped } from './units.ts';

const PUT_BACK = { code: 'put-back', text: 'restore the old files' } as const;

/**
 * Undoes a failed run, depending on its progress: deletes staged files, restores replaced ones.
 *
 * @throws the cause if it is `aborted`: the run is repeated later, or the journal knows the progress
 */
export async function undo(
  cause: unknown,
  { runId, hands, beforeRestart }: Pick<Run, 'runId' | 'hands' | 'beforeRestart'>,
): Promise<Failed> {
  const { generations } = hands;
  // Staging and replacing can fail half-way. The journal on disk knows the progress.
  const journal = await generations.current();
  const own = journal?.runId === runId && journal.state !== 'stuck' ? journal : undefined;
  if (own?.state === 'staging') await generations.clear();
  if (codeOf(cause) === 'aborted') throw cause;
  if (!own || own.state === 'staging') return { is: 'failed', error: cause, node: 'as-before' };
  return await rollBack(cause, own, hands, beforeRestart);
}

/**
 * Restores the previous files, then restarts every unit that may have read the new ones and proves it with the old
 * ones. The journal and systemd determine these units, because a killed run reports nothing.
 *
 * @param journal of a run that has started to replace files
 * @throws `aborted` when the node shuts down meanwhile
 */
export async function rollBack(
  cause: unknown,
  journal: Journal,
  hands: Hands,
  beforeRestart?: Run['beforeRestart'],
): Promise<Failed> {
  const { generations, secrets } = hands;
  /** Output of units is among it. */
  const toKeep = (error: unknown, node?: NodeState): Outcome => presentable(failed(error, node), [], secrets);
  const record = v.parse(RunRecordSchema, journal.run);
  const { about } = record;
  // After an interruption, the journal is the only source of the cause.
  const failing = {
    ...journal,
    run: { ...record, outcome: toKeep(cause), cause: keepCause(cause, secrets.redact) } satisfies RunRecord,
  };
  const report = (why: string): AgentError =>
    new AgentError(cause instanceof AgentError ? cause.code : 'unit', `${sentenceOf(cause)}; ${why}`, {
      cause,
      reason: reasonOf(cause),
      excerpt: [...excerptOf(cause), ...excerpts],
    });
  const excerpts: string[] = [];

  let reverted: Journal;
  try {
    await refuseExpired(journal, hands);
    reverted = await timed(hands, PUT_BACK, async () => await generations.revert(failing));
  } catch (error) {
    const stuck = report(
      `the old files could not be restored: ${sentenceOf(error)}; both generations are kept: correct the cause, then run "agent rollback" or repeat the request`,
    );
    await startStopped(record.units, hands);
    await generations.stick(journal, {
      ...record,
      resumed: 0,
      outcome: toKeep(stuck, 'stuck'),
    } satisfies RunRecord);
    return { is: 'failed', error: stuck, node: 'stuck' };
  }
  const refusing: string[] = [];
  const failedAt = (error: unknown): void => {
    refusing.push(said(error));
    excerpts.push(...excerptOf(error));
  };
  const manner: Manner = { first: 'at once', show: showRestartBack, failed: failedAt };
  const units = await unitsToRestore(record, hands);
  try {
    await assertAllStable(await restartInOrder(units, hands, beforeRestart, manner), hands);
  } catch (error) {
    failedAt(error);
  }
  const node = refusing.length === 0 ? 'taken-back' : 'unproven';
  const result = report(
    refusing.length === 0
      ? isList(journal)
        ? 'the former revocation list is restored'
        : `the old ${about} are restored and ${about === 'certificates' ? 'served' : 'in use'}`
      : `the old files are restored, but ${refusing.join('; ')}`,
  );
  await generations.end(reverted, { ...record, outcome: toKeep(result, node) } satisfies RunRecord);
  return { is: 'failed', error: result, node };
}

const showRestartBack = (step: RestartStep): ShownStep =>
  step.do === 'stop'
    ? showStep(step)
    : {
        code: 'restart-old',
        of: step.unitPlan.name,
        text: `restart ${step.unitPlan.name} with the old files`,
      };

/**
 * Formats the error.
 *
 * @throws the error if it interrupts the rollback: the node shuts down, and the next start resumes
 */
function said(error: unknown): string {
  if (codeOf(error) === 'aborted') throw error;
  return sentenceOf(error);
}

const isList = ({ run }: Journal): boolean => {
  const parsed = v.safeParse(RunRecordSchema, run);
  return parsed.success && parsed.output.lists.length > 0;
};

/** Rejects a rollback to an expired CA, which no peer would accept. */
async function refuseExpired({ files }: Journal, { disk, clock }: Hands): Promise<void> {
  for (const { target, previous } of files) {
    const pem = previous && (await disk.read(previous.copy)).toString('utf8');
    if (!pem?.includes('CERTIFICATE') || !pem.startsWith('-----BEGIN')) continue;
    const authorities = certificatesIn(pem, target).filter(({ ca }) => ca);
    const [expired] = authorities.filter((one) => one.validToDate.getTime() < clock.now());
    if (expired && authorities.every((one) => one.validToDate.getTime() < clock.now()))
      throw new AgentError(
        'precondition',
        `the old CA in ${target} expired on ${expired.validToDate.toISOString()}`,
        { reason: 'old-ca-expired' },
      );
  }
}

/**
 * Excludes a rollback from now on: once pods receive the new CA, it is never rolled back, whatever fails afterwards.
 */
export async function excludeWayBack(journal: Journal, { generations }: Hands): Promise<Journal> {
  const record = v.parse(RunRecordSchema, journal.run);
  return await generations.note(journal, { ...record, proven: true } satisfies RunRecord);
}
