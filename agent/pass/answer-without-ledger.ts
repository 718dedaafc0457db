import * as v from 'valibot';
import { AgentError, explain } from '../../src/base/errors.ts';
import type { Deployment, Outcome } from '../../src/deployment/deployment.ts';
import { pendingOf } from '../../src/deployment/pending.ts';
import { endOfRun } from '../../src/hooks/run.ts';
import { lookAfter } from '../../src/hooks/overdue.ts';
import type { RunState } from '../../src/hooks/runs.ts';
import { isCreation } from '../../src/operation/magnum-deployment.ts';
import { selectOperation } from '../../src/operation/operation.ts';
import { answerAll, deliver } from './answer.ts';
import { collect, understand } from './collect.ts';
import { asConfigured } from '../config.ts';
import type { Hands } from '../hands.ts';
import { runsContainer } from './in-container.ts';
import { failed, presentable } from '../../src/deployment/outcome.ts';
import { RunRecordSchema } from '../plan/run-record.ts';

/**
 * No work starts or finishes unless it can be recorded on disk. If passes keep failing because a disk is full or
 * read-only, waiting deployments are answered from memory.
 */
export type Unrecorded = {
  /** The clock's `elapsed` at the first failed pass; undefined after a complete pass. */
  since: number | undefined;
  /** Outcomes that were sent without a record, by deployment. */
  told: Map<string, { deployment: Deployment; outcome: Outcome }>;
};

/** A disk that is full for a moment must not cause a rollback of the stack. */
const PATIENCE_MS = 60_000;

/**
 * Call this for each pass that fails. After a minute of failures, it answers every deployment that this node has not
 * completed as failed. Completed ones get their real outcome.
 *
 * @param cause why the pass failed
 */
export async function tellUnrecorded(
  cause: unknown,
  unrecorded: Unrecorded,
  hands: Hands,
  abort: AbortSignal,
): Promise<void> {
  const { clock, ledger, secrets, log } = hands;
  unrecorded.since ??= clock.elapsed();
  if (clock.elapsed() - unrecorded.since < PATIENCE_MS) return;
  const { texts, problems } = await collect(hands, abort);
  const wanted = understand(texts, problems, hands);
  // heat-container-agent serves the node, and answers.
  if (wanted.deployments.some(isCreation) && (await runsContainer(hands, abort))) return;
  for (const deployment of pendingOf(wanted.deployments, ledger)) {
    const { id } = deployment;
    if (unrecorded.told.has(id) || !(await isServed(deployment, hands))) continue;
    const run = await lookAfter(id, hands.runs);
    // Its outcome is not known yet.
    if (run.is === 'running') continue;
    log('answered-without-ledger', { deployment: id, why: explain(cause) });
    const ended = (await endOf(id, run, hands)) ?? failed(new AgentError('state', inWords(cause)));
    const declared = deployment.outputs.map(({ name }) => name);
    const outcome = presentable(ended, declared, secrets);
    const left = await deliver({ id, outcome, signal: deployment.signal }, hands, abort);
    if (!left) unrecorded.told.set(id, { deployment, outcome });
  }
  await answerAll(wanted, hands, abort);
}

const inWords = (cause: unknown): string =>
  `the node cannot record its work, and starts nothing new: ${explain(cause)}; correct the cause, then repeat the request: the agent first completes interrupted work`;

/** Whether this node serves the deployment's group. */
async function isServed(deployment: Deployment, { ledger, config, hooks }: Hands): Promise<boolean> {
  const operation = selectOperation(deployment, ledger.earlier(deployment), asConfigured(config));
  if (operation?.kind === 'magnum-creation') return false;
  if (operation?.kind !== 'run') return operation !== undefined;
  return operation.hook === 'script' || (await hooks.find(operation.hook)) !== undefined;
}

/** Returns the outcome of a deployment from sources other than the ledger. */
async function endOf(id: string, run: RunState, { generations, runs }: Hands): Promise<Outcome | undefined> {
  if ((run.is === 'ended' || run.is === 'lost') && run.order?.continues !== true)
    return await endOfRun(id, run, runs);
  // The journal itself may be the damaged file.
  const journal = await generations.current().catch(() => undefined);
  if (journal?.runId !== id || journal.state !== 'ended') return undefined;
  return v.parse(RunRecordSchema, journal.run).outcome;
}

/** Records the outcomes that were sent without a record, so that none of these deployments starts again. */
export async function recordTold({ told }: Unrecorded, { ledger }: Pick<Hands, 'ledger'>): Promise<void> {
  for (const [id, { deployment, outcome }] of told) {
    if (!ledger.find(id)) await ledger.accept(deployment);
    if (ledger.find(id)?.state === 'accepted') await ledger.start(id);
    if (ledger.find(id)?.state === 'started') await ledger.finish(id, outcome);
    await ledger.signalled(id);
    told.delete(id);
  }
}
