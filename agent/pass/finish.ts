import * as v from 'valibot';
import { AgentError } from '../../src/base/errors.ts';
import type { Outcome } from '../../src/deployment/deployment.ts';
import type { Journal } from '../../src/files/journal.ts';
import { auditEnd } from '../audit.ts';
import type { Hands } from '../hands.ts';
import { presentable } from '../../src/deployment/outcome.ts';
import { RunRecordSchema } from '../plan/run-record.ts';
import { keepGeneration } from './keep-generation.ts';

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
 *   goes on from there, and nothing is reported until then
 */
export async function finish(
  runId: string,
  outcome: Outcome,
  hands: Hands,
  asks?: 'rotation',
): Promise<Outcome | undefined> {
  const { generations, keptRequests } = hands;
  const under = await generations.current();
  if (under?.runId === runId && UNDER_WAY.has(under.state))
    throw new AgentError('state', `how ${runId} ended could not be written down: ${outcome.stderr.trim()}`);
  // The journal was written but not synced; its outcome counts, not this error.
  const isKnown = under?.runId === runId && under.state === 'ended';
  const known = isKnown ? v.parse(RunRecordSchema, under.run) : { outcome, asks };
  const ended = known.outcome;
  const told = toTell(runId, ended, hands);
  // Keys go first: after the ledger and the journal are done, no later pass would remove them.
  await keptRequests.forget();
  if (told) await record(runId, told, hands, asks ?? known.asks);
  const generation = under?.runId === runId ? under : undefined;
  // While the copies of the former files are there. A verb that has changed nothing records its end itself.
  if (told || generation) await auditEnd(runId, told ?? ended, generation, hands);
  await keepGeneration(generation, ended, hands);
  if (under?.state !== 'stuck') await generations.clear();
  return told;
}

/**
 * The same for a script or a hook, and for a deployment without work: its outcome goes into the ledger, and only then
 * its directory is removed.
 */
export async function finishRun(
  id: string,
  outcome: Outcome,
  hands: Hands,
  asks?: 'rotation',
): Promise<Outcome | undefined> {
  const told = toTell(id, outcome, hands);
  if (told) await record(id, told, hands, asks);
  await auditEnd(id, told ?? outcome, undefined, hands);
  await forgetRun(id, hands);
  return told;
}

async function record(
  id: string,
  told: Outcome,
  { ledger, log }: Hands,
  asks: 'rotation' | undefined,
): Promise<void> {
  await ledger.finish(id, told);
  const ended = { deployment: id, outcome: told.is, asks };
  if (told.is === 'succeeded') log('deployment-succeeded', ended);
  else {
    const { statusCode, error, stderr } = told;
    log('deployment-failed', { ...ended, code: statusCode, node: error?.node, why: stderr.trim() });
  }
}

export async function forgetRun(id: string, { runs }: Pick<Hands, 'runs'>): Promise<void> {
  const unit = runs.unitFor(id);
  if (unit !== undefined) await runs.forgetUnit(unit);
  await runs.runs.remove(id);
}

/** The answer to a deployment that has been started. */
function toTell(id: string, outcome: Outcome, { ledger, secrets }: Hands): Outcome | undefined {
  const entry = ledger.find(id);
  return entry?.state === 'started' ? presentable(outcome, entry.outputs, secrets) : undefined;
}
