import * as v from 'valibot';
import { AgentError } from '../src/base/errors.ts';
import type { Outcome } from '../src/deployment/deployment.ts';
import type { Hands } from './hands.ts';
import { failed } from './outcome.ts';
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
 * @returns how the run that was killed has ended, when it has
 */
export async function recover(
  hands: Hands,
  signal: AbortSignal,
): Promise<{ owner: string; outcome: Outcome } | undefined> {
  const journal = await hands.generations.current();
  if (!journal) return undefined;
  const { owner, state } = journal;
  hands.log.warn({ deployment: owner, state }, 'an interrupted rotation is being brought to its end');
  switch (state) {
    case 'staging':
      await hands.generations.close(journal);
      return undefined;
    case 'committing':
    case 'committed': {
      const { units } = v.parse(Rest, journal.rest);
      try {
        return { owner, outcome: await carryOut(fromReplaceOn(units), { owner, hands, signal, journal }) };
      } catch (error) {
        return { owner, outcome: failed(error) };
      }
    }
    case 'reverting':
    case 'reverted': {
      const { units } = v.parse(Rest, journal.rest);
      const cause = new AgentError('unit', 'the rotation failed and was interrupted on its way back');
      return { owner, outcome: failed(await wayBack(cause, units, hands, signal)) };
    }
  }
}
