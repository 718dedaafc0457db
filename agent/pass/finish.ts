import * as v from 'valibot';
import { AgentError } from '../../src/base/errors.ts';
import type { Outcome } from '../../src/deployment/deployment.ts';
import type { Journal } from '../../src/files/journal.ts';
import { auditEnd } from '../audit.ts';
import { isOwnWork } from '../audit/askers.ts';
import type { Hands } from '../hands.ts';
import { presentable } from '../../src/deployment/outcome.ts';
import { RunRecordSchema } from '../plan/run-record.ts';
import { keepGeneration } from './keep-generation.ts';
import { withReport } from './report-output.ts';

/** Files have been replaced, and it is not decided yet which generation stays. */
const UNDER_WAY: ReadonlySet<string> = new Set<Journal['state']>([
  'committing',
  'committed',
  'reverting',
  'reverted',
]);

/**
 * Ends a run: records its outcome in the ledger and only then deletes its generation. After a kill between the two, the
 * journal is *ended* and has the same outcome.
 *
 * @returns the outcome as recorded; undefined when no deployment of the ledger waits for it
 * @throws `state` when the end could not be written to the journal: the next pass resumes from there, and nothing is
 * reported until then
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
    throw new AgentError('state', `the outcome of ${runId} could not be recorded: ${outcome.stderr.trim()}`);
  // The journal was written but not synced. Its outcome counts, not this error.
  const isKnown = under?.runId === runId && under.state === 'ended';
  const known = isKnown ? v.parse(RunRecordSchema, under.run) : { outcome, asks };
  const ended = known.outcome;
  const told = await toTell(runId, ended, hands);
  // Delete the keys first: once the ledger and the journal are done, no later pass would delete them.
  await keptRequests.forget();
  if (told) await record(runId, told, hands, asks ?? known.asks);
  const generation = under?.runId === runId ? under : undefined;
  // This needs the copies of the former files. A verb that changed nothing records its end itself.
  if (told || generation || isOwnWork(runId)) await auditEnd(runId, told ?? ended, generation, hands);
  await keepGeneration(generation, ended, hands);
  if (under?.state !== 'stuck') await generations.clear();
  return told;
}

/**
 * Ends a script, a hook or a deployment without work: records the outcome in the ledger, and only then deletes its
 * directory.
 */
export async function finishRun(
  id: string,
  outcome: Outcome,
  hands: Hands,
  asks?: 'rotation',
): Promise<Outcome | undefined> {
  const told = await toTell(id, outcome, hands);
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

/** Returns the outcome to record for a started deployment. */
async function toTell(id: string, outcome: Outcome, hands: Hands): Promise<Outcome | undefined> {
  const entry = hands.ledger.find(id);
  if (entry?.state !== 'started') return undefined;
  return presentable(await withReport(outcome, entry.outputs, hands), entry.outputs, hands.secrets);
}
