import * as v from 'valibot';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import type { Outcome } from '../../src/deployment/deployment.ts';
import type { Journal } from '../../src/files/journal.ts';
import { finish } from './finish.ts';
import type { Hands } from '../hands.ts';
import { resumeInTurn } from '../peers/in-turn.ts';
import { failed } from '../../src/deployment/outcome.ts';
import { apply } from '../execution/apply.ts';
import { outcomeOf } from '../execution/ended.ts';
import { MOST_RESUMED, recoveryOf } from '../plan/recovery.ts';
import { causeIn, type RunRecord, RunRecordSchema, tailOf } from '../plan/run-record.ts';
import { rebuildJournal } from './rebuild-journal.ts';
import { rollBack } from '../execution/roll-back.ts';

/**
 * Completes or rolls back a killed run from its journal alone. Heat need not be reachable, and the deployment need not
 * be requested any more. The table in files/journal.ts explains each state.
 *
 * @returns the outcome of the killed run's deployment, now in the ledger, if it has ended
 */
export async function recover(hands: Hands, abort: AbortSignal): Promise<Recovered | undefined> {
  const ended = await endInterrupted(hands, abort);
  return ended?.told && { id: ended.id, outcome: ended.told };
}

type Recovered = { id: string; outcome: Outcome };

/**
 * Does the same for the run of a verb too.
 *
 * @returns how the run ended, and the answer to its deployment; undefined when nothing was interrupted or replaced
 */
export async function endInterrupted(
  hands: Hands,
  abort: AbortSignal,
): Promise<(Recovered & { told: Outcome | undefined }) | undefined> {
  const journal = await currentOrRebuilt(hands, abort);
  if (!journal || journal.state === 'stuck') return undefined;
  const { runId, state } = journal;
  hands.log('recovery-started', { deployment: runId, state });
  const outcome = await bringToEnd(journal, hands, abort);
  if (!outcome) return undefined;
  return { id: runId, outcome, told: await finish(runId, outcome, hands) };
}

async function currentOrRebuilt(hands: Hands, abort: AbortSignal): Promise<Journal | undefined> {
  try {
    return await hands.generations.current();
  } catch (error) {
    if (codeOf(error) !== 'state') throw error;
    hands.log('journal-damaged', { why: explain(error) });
    return await rebuildJournal(hands, abort);
  }
}

async function bringToEnd(journal: Journal, hands: Hands, abort: AbortSignal): Promise<Outcome | undefined> {
  const recovery = recoveryOf(journal);
  if (recovery === 'wait-for-person') return undefined;
  if (recovery === 'clear') {
    await hands.generations.clear();
    return undefined;
  }
  const { runId } = journal;
  const record = v.parse(RunRecordSchema, journal.run);
  const { outcome, resumed } = record;
  if (recovery === 'record') return outcome;
  const again: Journal = { ...journal, run: { ...record, resumed: resumed + 1 } satisfies RunRecord };
  if (recovery === 'give-up') return await giveUp(again, record, hands);
  if (recovery === 'take-back')
    return await resumeInTurn(hands, abort, async (beforeRestart) =>
      outcomeOf(await rollBack(causeOf(record), again, hands, beforeRestart)),
    );
  try {
    return await resumeInTurn(hands, abort, async (beforeRestart) =>
      outcomeOf(await apply(again, tailOf(record), { runId, hands, abort, beforeRestart })),
    );
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    return failed(error);
  }
}

type Whole = v.InferOutput<typeof RunRecordSchema>;

/** Returns the cause of a rollback. The journal contains it, unless the journal was rebuilt. */
function causeOf({ cause, outcome, about, resumed }: Whole): AgentError {
  if (cause) return causeIn(cause);
  // Earlier versions stored only the text of the cause.
  if (outcome.is === 'failed')
    return new AgentError('unit', outcome.stderr.trimEnd(), { reason: outcome.error?.reason });
  return resumed >= MOST_RESUMED.forward
    ? new AgentError(
        'unit',
        `the agent was killed ${resumed + 1} times before the new ${about} were proven`,
        {
          reason: 'ended-too-often',
        },
      )
    : new AgentError('unit', `the new ${about} failed, and their rollback was interrupted`);
}

async function giveUp(journal: Journal, record: Whole, hands: Hands): Promise<Outcome> {
  const { resumed } = record;
  const { message, excerpt } = causeOf(record);
  const why = `${message}; the old files could not be restored: the agent was killed ${resumed + 1} times in all; both generations are kept: correct the cause, then run "agent rollback" or repeat the request`;
  const outcome = failed(new AgentError('state', why, { reason: 'ended-too-often', excerpt }), 'stuck');
  await hands.generations.stick(journal, { ...record, resumed: 0, outcome } satisfies RunRecord);
  return outcome;
}
