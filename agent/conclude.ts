import * as v from 'valibot';
import { AgentError } from '../src/base/errors.ts';
import type { Outcome } from '../src/deployment/deployment.ts';
import type { Journal } from '../src/files/journal.ts';
import type { Hands } from './hands.ts';
import { presentable } from './outcome.ts';
import { RestSchema } from './rest.ts';

/** Files have been replaced, and either generation may still be the one that stays. */
const UNDER_WAY: ReadonlySet<string> = new Set<Journal['state']>([
  'committing',
  'committed',
  'reverting',
  'reverted',
]);

/**
 * Ends a run: its outcome goes into the ledger, and only then its generation is forgotten. A kill between
 * the two finds the journal *ended*, with the same outcome.
 *
 * @returns the outcome as it will be told; undefined when no deployment of the ledger waits for it
 * @throws `state` when the journal does not know of the end yet, because it could not be written: the next pass
 *   goes on from there, and until then nobody is told anything
 */
export async function conclude(owner: string, outcome: Outcome, hands: Hands): Promise<Outcome | undefined> {
  const { ledger, generations, keptRequests, secrets } = hands;
  const under = await generations.current();
  if (under?.owner === owner && UNDER_WAY.has(under.state))
    throw new AgentError('state', `how ${owner} ended could not be written down: ${outcome.stderr.trim()}`);
  // A journal that was written but not synced any more: what it says is how it ended, not that error.
  const isKnown = under?.owner === owner && under.state === 'ended';
  const ended = isKnown ? v.parse(RestSchema, under.rest).outcome : outcome;
  const entry = ledger.find(owner);
  const told = entry?.state === 'started' ? presentable(ended, entry.outputs, secrets) : undefined;
  // Keys first: once the ledger and the journal are done with, nobody would come back for them.
  await keptRequests.forget();
  if (told) await ledger.finish(owner, told);
  if (under?.state !== 'stuck') await generations.clear();
  return told;
}
