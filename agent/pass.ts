import { AgentError } from '../src/base/errors.ts';
import { isOpen } from '../src/deployment/ledger.ts';
import { chosenBy, overtakenOf, pendingOf } from '../src/deployment/pending.ts';
import type { Collected } from '../src/metadata/collector.ts';
import { isDataGroup, mergeMetadata } from '../src/metadata/merge.ts';
import { answer, answerAll, type Unacknowledged } from './pass/answer.ts';
import { type Answered, collect, silenceOf, understand, type Wanted } from './pass/collect.ts';
import type { Hands } from './hands.ts';
import { finishUnfinished, type Records, type Settled } from './pass/unfinished.ts';
import { isNews } from './polling/last-answer.ts';
import { settle } from './pass/settle.ts';
import type { Servant } from './pass/take-over.ts';
import { isCreation } from '../src/operation/magnum-deployment.ts';

export type PassOptions = {
  /** Metadata to use instead of the collectors' answers. */
  metadata?: Collected;
  /** The deployment to repeat although it is done: its id or a unique prefix of it. */
  force?: string | undefined;
};

export type PassResult = {
  /** Whether every collector answered and the answer differs from the last complete one. */
  changed: boolean;
  settled: Settled[];
  /** Collectors that could not be asked, and deployments that could not be decoded. */
  problems: AgentError[];
  /** Results that have not been acknowledged yet. */
  open: Unacknowledged[];
  /** Groups of deployments that no hook on this node serves. */
  unserved: { id: string; group: string }[];
  /** The answer of each collector. */
  answers: Answered[];
  /** heat-container-agent is still setting the node up; this program does nothing until that has ended. */
  awaits: boolean;
  /** The polling configuration has changed, so the configuration must be reloaded. */
  pollsOtherwise: boolean;
};

/** State that a daemon keeps between passes. */
export type Memory = {
  /** The last completely handled metadata: identical metadata is skipped. */
  dealtWith: string | undefined;
  /** The digest of the last complete answer; undefined: unknown. */
  lastAnswer: string | undefined;
  /** The problems of the last handled metadata. */
  remarks: Pick<PassResult, 'problems' | 'unserved'>;
  records: Records | undefined;
};

/** Creates the state. @param lastAnswer the digest from an earlier start of the daemon */
export const newMemory = (lastAnswer?: string): Memory => {
  const remarks = { problems: [], unserved: [] };
  return { dealtWith: undefined, lastAnswer, remarks, records: undefined };
};

/**
 * Runs one pass, from metadata to signal. Read this function to understand the program.
 *
 * @throws `aborted` when the program must stop, `disk` or `state` when the ledger cannot be written
 */
export async function pass(
  hands: Hands,
  memory: Memory,
  abort: AbortSignal,
  options: PassOptions = {},
): Promise<PassResult> {
  const result = emptyResult();

  // 1. Recover: complete or roll back an interrupted run before any new work, and finish what is due.
  const { recovered, unable } = await finishUnfinished(hands, memory, abort);
  if (recovered.length > 0) memory.dealtWith = undefined;
  result.settled.push(...recovered);

  // 2. Collect: read the node's deployments from the metadata.
  const { texts, problems, answers } = options.metadata
    ? { texts: [options.metadata], problems: [], answers: [] }
    : await collect(hands, abort);
  result.answers = answers;
  problems.push(...unable);
  if (!options.metadata) result.pollsOtherwise = await hands.pollingOverride.observe(silenceOf(answers));
  const said = JSON.stringify(texts);
  result.problems = problems;
  if (problems.length === 0 && said === memory.dealtWith && options.force === undefined)
    return { ...result, ...memory.remarks };
  if (problems.length === 0) result.changed = isNews(said, memory);
  const wanted = understand(texts, problems, hands);
  if (options.metadata) wanted.complete = false;
  result.problems = wanted.problems;

  const servant = await servantNow(wanted, hands, abort).catch((error: unknown): Servant => {
    if (!(error instanceof AgentError) || error.code === 'aborted') throw error;
    // The agent cannot take over, so heat-container-agent still serves the node.
    result.problems.push(error);
    return 'heat-container-agent';
  });
  if (servant !== 'agent') {
    memory.dealtWith = undefined;
    return {
      ...result,
      awaits: servant === 'heat-container-agent',
      pollsOtherwise: servant === 'taken-over',
    };
  }

  // 3. Answer: send unacknowledged results that Heat still waits for.
  result.open = await answerAll(wanted, hands, abort);

  for (const { id, by } of overtakenOf(wanted.deployments, hands.ledger))
    hands.log('deployment-overtaken', { deployment: id, by });

  const force = forcedBy(options, wanted);

  // 4. Settle: handle one deployment at a time, in the order of the list.
  for (const deployment of pendingOf(wanted.deployments, hands.ledger, force)) {
    const { id, group } = deployment;
    const start = hands.clock.elapsed();
    const outcome = await settle(deployment, wanted.said, hands, abort);
    if (!outcome) {
      if (!isDataGroup(group)) result.unserved.push({ id, group });
      continue;
    }
    result.settled.push({ id, outcome, durationMs: Math.round(hands.clock.elapsed() - start) });
    // Settling took time, and newer deployments may have been created meanwhile.
    const now = options.metadata ? wanted : await askAgain(hands, abort);
    const entry = hands.ledger.find(id);
    const left = entry && (await answer(entry, now, hands, abort));
    if (left) result.open.push(left);
  }

  // 5. Adopt: the metadata may change how the node polls.
  if (!options.metadata) result.pollsOtherwise ||= await adoptSection(wanted, hands);

  // 6. Remember: nothing is pending or uncertain, so the same metadata again needs no work.
  const isCertain = !hands.ledger.entries().some((entry) => isOpen(entry) && entry.unlisted !== undefined);
  memory.dealtWith = result.open.length === 0 && problems.length === 0 && isCertain ? said : undefined;
  memory.remarks = { problems: result.problems, unserved: result.unserved };
  forgetSecrets(wanted, hands);
  return result;
}

/**
 * Returns the deployment to repeat. Deployments of collectors that could not be asked are unknown.
 *
 * @throws `usage` when no deployment has that id
 */
export function forcedBy(
  { force }: PassOptions,
  { deployments, problems }: Pick<Wanted, 'deployments' | 'problems'>,
): string | undefined {
  if (force === undefined) return undefined;
  return problems.length > 0 && !deployments.some(({ id }) => id.startsWith(force))
    ? undefined
    : chosenBy(force, deployments);
}

/** Forgets secrets of completed deployments that are no longer requested. */
function forgetSecrets({ deployments }: Wanted, { secrets, ledger }: Hands): void {
  // A run that was given up may still write output.
  const open = ledger.entries().filter((entry) => isOpen(entry) || entry.state === 'started');
  secrets.forgetAllBut(new Set([...deployments, ...open].map(({ id }) => id)));
}

/** Returns the result of a pass without findings. */
export const emptyResult = (): PassResult => ({
  changed: false,
  settled: [],
  problems: [],
  open: [],
  unserved: [],
  awaits: false,
  answers: [],
  pollsOtherwise: false,
});

/** Adopts the polling section. A section that cannot be used becomes a problem of its own. */
async function adoptSection(
  { said, isWhole, problems }: Wanted,
  { pollingOverride }: Hands,
): Promise<boolean> {
  if (!isWhole) return false;
  try {
    return await pollingOverride.apply(mergeMetadata(said)['os-collect-config']);
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'bad-metadata') throw error;
    problems.push(error);
    return false;
  }
}

async function askAgain(hands: Hands, abort: AbortSignal): Promise<Wanted> {
  const { texts, problems } = await collect(hands, abort);
  return understand(texts, problems, hands);
}

/** Returns which agent serves the node. Loaded only on nodes of a stock Magnum, which keeps an idle daemon small. */
async function servantNow(wanted: Wanted, hands: Hands, abort: AbortSignal): Promise<Servant> {
  if (!wanted.deployments.some(isCreation)) return 'agent';
  const { servantOf } = await import('./pass/take-over.ts');
  return await servantOf(wanted, hands, abort);
}
