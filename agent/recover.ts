import * as v from 'valibot';
import { AgentError } from '../src/base/errors.ts';
import type { Outcome } from '../src/deployment/deployment.ts';
import type { Journal } from '../src/files/journal.ts';
import type { Hands } from './hands.ts';
import { failed, presentable } from './outcome.ts';
import { carryOut, Rest } from './perform.ts';
import { fromReplaceOn } from './plan.ts';
import { wayBack } from './way-back.ts';

/**
 * Finishes or undoes what a killed run has left, going by its journal alone: Heat need not be reachable, and
 * the deployment need not be asked for any more.
 *
 * - nothing replaced yet: the staged files go, and the deployment runs again
 * - something replaced: the rest is replaced too, and the services prove it or the old files come back
 * - on the way back already: it is gone to its end
 *
 * @returns how the deployment of the killed run has ended, now in the ledger, when it has
 */
export async function recover(
  hands: Hands,
  signal: AbortSignal,
): Promise<{ id: string; outcome: Outcome } | undefined> {
  const journal = await hands.generations.current();
  if (!journal) return undefined;
  const { owner, state } = journal;
  hands.log.warn({ deployment: owner, state }, 'an interrupted rotation is being brought to its end');
  const ended = await bringToEnd(journal, hands, signal);
  const entry = hands.ledger.find(owner);
  if (!ended || entry?.state !== 'started') return undefined;
  const outcome = presentable(ended, entry.outputs, hands.secrets);
  await hands.ledger.finish(owner, outcome);
  return { id: owner, outcome };
}

async function bringToEnd(journal: Journal, hands: Hands, signal: AbortSignal): Promise<Outcome | undefined> {
  if (journal.state === 'staging') {
    await hands.generations.close(journal);
    return undefined;
  }
  const { owner } = journal;
  const { units } = v.parse(Rest, journal.rest);
  if (journal.state === 'reverting' || journal.state === 'reverted') {
    const cause = new AgentError('unit', 'the rotation failed and was interrupted on its way back');
    return failed(await wayBack(cause, units, hands, signal));
  }
  try {
    return await carryOut(fromReplaceOn(units), { owner, hands, signal, journal });
  } catch (error) {
    return failed(error);
  }
}
