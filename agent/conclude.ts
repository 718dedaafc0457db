import type { Outcome } from '../src/deployment/deployment.ts';
import type { Hands } from './hands.ts';
import { presentable } from './outcome.ts';

/**
 * Ends a run: its outcome goes into the ledger, and only then its generation is forgotten. A kill between
 * the two finds the journal *ended*, with the same outcome.
 *
 * @returns the outcome as it will be told; undefined when no deployment of the ledger waits for it
 */
export async function conclude(owner: string, outcome: Outcome, hands: Hands): Promise<Outcome | undefined> {
  const { ledger, generations, keptRequests, secrets } = hands;
  const entry = ledger.find(owner);
  const told = entry?.state === 'started' ? presentable(outcome, entry.outputs, secrets) : undefined;
  // Keys first: once the ledger and the journal are done with, nobody would come back for them.
  await keptRequests.forget();
  if (told) await ledger.finish(owner, told);
  const journal = await generations.current();
  if (journal?.state !== 'stuck') await generations.clear();
  return told;
}
