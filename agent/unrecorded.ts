import { AgentError, explain } from '../src/base/errors.ts';
import type { Deployment, Outcome } from '../src/deployment/deployment.ts';
import { pendingOf } from '../src/deployment/pending.ts';
import { selectOperation } from '../src/operation/operation.ts';
import { answerAll, deliver } from './answer.ts';
import { collect, understand } from './collect.ts';
import type { Hands } from './hands.ts';
import { failed, presentable } from './outcome.ts';

/**
 * Nothing is begun without a record of it, and nothing ends without one. When passes break off one after the other,
 * because a disk is full or read-only, whoever waits is told so all the same, from memory alone.
 */
export type Unrecorded = {
  /** The clock's `elapsed` of the first pass that broke off; undefined when the last one was complete. */
  since: number | undefined;
  /** What has been told without a record of it, by deployment. */
  told: Map<string, { deployment: Deployment; outcome: Outcome }>;
};

export const nothingUnrecorded = (): Unrecorded => ({ since: undefined, told: new Map() });

/** A disk that is full for a moment is no reason to have a stack rolled back. */
const PATIENCE_MS = 60_000;

/**
 * To be called for each pass that breaks off. Once that has gone on for a minute, every deployment that this node
 * has not ended is answered as failed, and what it has ended is sent.
 *
 * @param cause why the pass broke off
 */
export async function tellUnrecorded(
  cause: unknown,
  unrecorded: Unrecorded,
  hands: Hands,
  signal: AbortSignal,
): Promise<void> {
  const { clock, ledger, secrets, log } = hands;
  unrecorded.since ??= clock.elapsed();
  if (clock.elapsed() - unrecorded.since < PATIENCE_MS) return;
  const { texts, problems } = await collect(hands, signal);
  const wanted = understand(texts, problems, hands);
  const outcome = presentable(failed(new AgentError('state', inWords(cause))), [], secrets);
  for (const deployment of pendingOf(wanted.deployments, ledger.settledAt)) {
    const { id } = deployment;
    if (unrecorded.told.has(id) || !(await isOursToEnd(deployment, hands))) continue;
    log.error(
      { deployment: id, why: explain(cause) },
      'no pass comes to its end: that is told as the outcome',
    );
    const left = await deliver({ id, outcome, signal: deployment.signal }, hands, signal);
    if (!left) unrecorded.told.set(id, { deployment, outcome });
  }
  await answerAll(wanted, hands, signal);
}

const inWords = (cause: unknown): string =>
  `this node cannot go on: ${explain(cause)}; nothing new is begun there, and what had been begun comes to its end, once that is mended: ask for it again then`;

/** Not of a group that nobody here serves, and no script that runs: its end is still to be seen. */
async function isOursToEnd(deployment: Deployment, { ledger, config, hooks, runs }: Hands): Promise<boolean> {
  const operation = selectOperation(deployment, ledger.earlier(deployment), config.rotation.phase);
  if (operation?.kind !== 'run') return operation !== undefined;
  const isServed = operation.hook === 'script' || (await hooks.find(operation.hook)) !== undefined;
  return isServed && (await runs.runs.look(deployment.id)).is !== 'running';
}

/** Makes good for what has been told: it is how these deployments have ended, and none of them is begun again. */
export async function recordTold({ told }: Unrecorded, { ledger }: Pick<Hands, 'ledger'>): Promise<void> {
  for (const [id, { deployment, outcome }] of told) {
    if (!ledger.find(id)) await ledger.accept(deployment);
    if (ledger.find(id)?.state === 'accepted') await ledger.start(id);
    if (ledger.find(id)?.state === 'started') await ledger.finish(id, outcome);
    await ledger.signalled(id);
    told.delete(id);
  }
}
