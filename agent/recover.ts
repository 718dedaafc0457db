import * as v from 'valibot';
import { AgentError, codeOf, explain } from '../src/base/errors.ts';
import type { Outcome } from '../src/deployment/deployment.ts';
import type { Journal } from '../src/files/journal.ts';
import { conclude } from './conclude.ts';
import type { Hands } from './hands.ts';
import { failed } from './outcome.ts';
import { carryOut } from './perform.ts';
import { fromReplaceOn } from './plan.ts';
import { RestSchema } from './rest.ts';
import { salvage } from './salvage.ts';
import { wayBack } from './way-back.ts';

/**
 * Finishes or undoes what a killed run has left, going by its journal alone: Heat need not be reachable, and
 * the deployment need not be asked for any more. The table in files/journal.ts says what each state means.
 *
 * @returns how the deployment of the killed run has ended, now in the ledger, when it has
 */
export async function recover(
  hands: Hands,
  signal: AbortSignal,
): Promise<{ id: string; outcome: Outcome } | undefined> {
  const journal = await currentOrSalvaged(hands, signal);
  if (!journal || journal.state === 'stuck') return undefined;
  const { owner, state } = journal;
  hands.log.warn({ deployment: owner, state }, 'what was interrupted is being brought to its end');
  const outcome = await bringToEnd(journal, hands, signal);
  if (!outcome) return undefined;
  const told = await conclude(owner, outcome, hands);
  return told && { id: owner, outcome: told };
}

async function currentOrSalvaged(hands: Hands, signal: AbortSignal): Promise<Journal | undefined> {
  try {
    return await hands.generations.current();
  } catch (error) {
    if (codeOf(error) !== 'state') throw error;
    hands.log.error({ why: explain(error) }, 'the journal of an interrupted rotation is damaged');
    return await salvage(hands, signal);
  }
}

async function bringToEnd(journal: Journal, hands: Hands, signal: AbortSignal): Promise<Outcome | undefined> {
  const { owner, state } = journal;
  if (state === 'staging') {
    await hands.generations.clear();
    return undefined;
  }
  const { units, lists, workloads, outcome, about } = v.parse(RestSchema, journal.rest);
  if (state === 'ended') return outcome;
  if (state === 'reverting' || state === 'reverted') {
    // The journal says why, unless it had to be rebuilt.
    const why =
      outcome.statusCode === 0
        ? `the new ${about} failed, and that was interrupted on its way back`
        : outcome.stderr.trimEnd();
    const cause = new AgentError('unit', why);
    return failed(await wayBack(cause, journal, units, hands));
  }
  try {
    return await carryOut(fromReplaceOn(units, lists, workloads), { owner, hands, signal, journal });
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    return failed(error);
  }
}
