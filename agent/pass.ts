import { AgentError } from '../src/base/errors.ts';
import type { Outcome } from '../src/deployment/deployment.ts';
import { isOpen } from '../src/deployment/ledger.ts';
import { chosenBy, overtakenOf, pendingOf } from '../src/deployment/pending.ts';
import type { Collected } from '../src/metadata/collector.ts';
import { isDataGroup, mergeMetadata } from '../src/metadata/merge.ts';
import { answer, answerAll, type Unacknowledged } from './pass/answer.ts';
import { type Answered, collect, silenceOf, understand, type Wanted } from './pass/collect.ts';
import type { Hands } from './hands.ts';
import { isFollowUpDue } from './rotation/follow-ups.ts';
import { isGraceOver } from './rotation/service-account.ts';
import { isNews } from './polling/last-answer.ts';
import { settle } from './pass/settle.ts';
import type { Servant } from './pass/take-over.ts';
import { isCreation } from '../src/operation/magnum-deployment.ts';

export type PassOptions = {
  /** Metadata to go by in place of what the collectors bring. */
  metadata?: Collected;
  /** A deployment to be done again although it has been done: its id or a unique beginning of it. */
  force?: string | undefined;
};

type Settled = {
  id: string;
  outcome: Outcome;
  /** How long it took; undefined: it was begun by a run that was interrupted. */
  durationMs?: number;
};

export type PassResult = {
  /** Whether every collector answered, and the answer differs from the last complete one. */
  changed: boolean;
  settled: Settled[];
  /** Sources that could not be asked and deployments that could not be understood. */
  problems: AgentError[];
  /** Results that nobody has acknowledged yet. */
  open: Unacknowledged[];
  /** Groups of deployments that nobody here serves. */
  unserved: { id: string; group: string }[];
  /** What each collector said for itself. */
  answers: Answered[];
  /** heat-container-agent still sets the node up: nothing is done here before that has ended. */
  awaits: boolean;
  /** From now on the node polls otherwise: the configuration is to be read anew. */
  pollsOtherwise: boolean;
};

/** What a daemon remembers from one pass to the next. */
export type Memory = {
  /** The last metadata that was dealt with completely: the same again needs no second look. */
  dealtWith: string | undefined;
  /** The digest of the last complete answer; undefined: none is known. */
  lastAnswer: string | undefined;
  /** What was wrong with it. */
  remarks: Pick<PassResult, 'problems' | 'unserved'>;
};

/** @param lastAnswer of an earlier start of the daemon */
export const newMemory = (lastAnswer?: string): Memory => {
  const remarks = { problems: [], unserved: [] };
  return { dealtWith: undefined, lastAnswer, remarks };
};

/**
 * One pass, from metadata to signal. Read this to know the program.
 *
 * @throws `aborted` when the program is to stop, `disk` or `state` when the ledger itself cannot be kept
 */
export async function pass(
  hands: Hands,
  memory: Memory,
  abort: AbortSignal,
  options: PassOptions = {},
): Promise<PassResult> {
  const result = emptyResult();

  // 1. Recover: what a killed run has left is brought to its end before anything new.
  const recovered = [...(await recoverIfInterrupted(hands, abort)), ...(await bringHomeIfAny(hands))];
  if (recovered.length > 0) memory.dealtWith = undefined;
  result.settled.push(...recovered);

  const unable = await endGraceIfOver(hands, abort);
  await followUpIfDue(hands, abort);

  // 2. Collect: what does the cloud want of this node?
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
    // Whatever keeps the agent from its place, another one has it.
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

  // 3. Answer: results that were never acknowledged, as far as somebody still waits for them.
  result.open = await answerAll(wanted, hands, abort);

  for (const { id, by } of overtakenOf(wanted.deployments, hands.ledger))
    hands.log('deployment-overtaken', { deployment: id, by });

  const force = forcedBy(options, wanted);

  // 4. Settle: one deployment at a time, in the order of the list.
  for (const deployment of pendingOf(wanted.deployments, hands.ledger, force)) {
    const { id, group } = deployment;
    const start = hands.clock.elapsed();
    const outcome = await settle(deployment, wanted.said, hands, abort);
    if (!outcome) {
      if (!isDataGroup(group)) result.unserved.push({ id, group });
      continue;
    }
    result.settled.push({ id, outcome, durationMs: Math.round(hands.clock.elapsed() - start) });
    // It has taken its time, and somebody may have asked for something newer meanwhile.
    const now = options.metadata ? wanted : await askAgain(hands, abort);
    const entry = hands.ledger.find(id);
    const left = entry && (await answer(entry, now, hands, abort));
    if (left) result.open.push(left);
  }

  // 5. Adopt: the metadata may say how to poll from now on.
  if (!options.metadata) result.pollsOtherwise ||= await adoptSection(wanted, hands);

  // 6. Remember: nothing is open or in doubt, so the same metadata again means nothing to do.
  const isCertain = !hands.ledger.entries().some((entry) => isOpen(entry) && entry.unlisted !== undefined);
  memory.dealtWith = result.open.length === 0 && problems.length === 0 && isCertain ? said : undefined;
  memory.remarks = { problems: result.problems, unserved: result.unserved };
  forgetSecrets(wanted, hands);
  return result;
}

/**
 * The deployment that is to be done again. What a source that cannot be asked would have listed is not known.
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

/** Of deployments that are done and that nobody asks for any more. */
function forgetSecrets({ deployments }: Wanted, { secrets, ledger }: Hands): void {
  // A run that is given up may still say something.
  const open = ledger.entries().filter((entry) => isOpen(entry) || entry.state === 'started');
  secrets.forgetAllBut(new Set([...deployments, ...open].map(({ id }) => id)));
}

/** Of a pass that has found nothing. */
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

/** A section that cannot be used is a problem of its own. */
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

/** Looks first: what a recovery needs is loaded only when there is one. */
async function recoverIfInterrupted(hands: Hands, abort: AbortSignal): Promise<Settled[]> {
  if (!(await hands.generations.underWay())) return [];
  const { recover } = await import('./pass/recover.ts');
  const recovered = await recover(hands, abort);
  return recovered ? [recovered] : [];
}

/** Loaded on a node that a stock Magnum makes: an idle daemon stays small. */
async function servantNow(wanted: Wanted, hands: Hands, abort: AbortSignal): Promise<Servant> {
  if (!wanted.deployments.some(isCreation)) return 'agent';
  const { servantOf } = await import('./pass/take-over.ts');
  return await servantOf(wanted, hands, abort);
}

/** Old service-account keys go when their time has come. @returns what kept them from it */
async function endGraceIfOver(hands: Hands, abort: AbortSignal): Promise<AgentError[]> {
  if (!(await isGraceOver(hands))) return [];
  const { endGrace } = await import('./pass/end-grace.ts');
  try {
    await endGrace(hands, abort);
    return [];
  } catch (error) {
    if (!(error instanceof AgentError) || error.code === 'aborted' || error.code === 'state') throw error;
    return [error];
  }
}

/** What a rotation has left to do in the cluster; it keeps nothing else waiting. */
async function followUpIfDue(hands: Hands, abort: AbortSignal): Promise<void> {
  if (!(await isFollowUpDue(hands))) return;
  const { followUp } = await import('./pass/follow-up.ts');
  await followUp(hands, abort);
}

async function bringHomeIfAny(hands: Hands): Promise<Settled[]> {
  if ((await hands.runs.runs.list()).length === 0) return [];
  const { collectFinishedRuns } = await import('./pass/collect-finished-runs.ts');
  return await collectFinishedRuns(hands);
}
