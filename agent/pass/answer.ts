import { AgentError, causeOf, type ErrorCode } from '../../src/base/errors.ts';
import {
  type Deployment,
  type Outcome,
  secretsOfTarget,
  type SignalTarget,
} from '../../src/deployment/deployment.ts';
import { type Entry, isGivenUp } from '../../src/deployment/ledger.ts';
import { newestOf } from '../../src/deployment/pending.ts';
import { largestBody, signalBody } from '../../src/signal/body.ts';
import { sendSignal } from '../../src/signal/send.ts';
import type { Wanted } from './collect.ts';
import { signalStep } from '../plan/describe.ts';
import type { Hands } from '../hands.ts';

/** A result that Heat has not acknowledged yet. */
export type Unacknowledged = {
  id: string;
  why: string;
  /** The code of the error; `unlisted`, `unasked`: nothing was sent. */
  code: ErrorCode | 'internal' | 'unlisted' | 'unasked';
  reason?: string | undefined;
  /** The delay that the cloud requested before a retry. */
  retryAfterMs?: number | undefined;
};

/** How long one pass retries sending a result; the next pass tries again. */
const PATIENCE = { baseMs: 500, capMs: 5000, forMs: 20_000 };

/**
 * Sends every result that Heat has not acknowledged. The address of a signal belongs to the deployment's resource, and
 * the body names no deployment. So a late result would complete a newer deployment. To avoid that, a result is sent
 * only if the present metadata shows that Heat still waits for it.
 *
 * @returns the results that remain unacknowledged, and why
 */
export async function answerAll(wanted: Wanted, hands: Hands, abort: AbortSignal): Promise<Unacknowledged[]> {
  const open: Unacknowledged[] = [];
  for (const entry of hands.ledger.entries()) {
    if (entry.state !== 'finished' && entry.state !== 'started' && entry.state !== 'accepted') continue;
    const left = await answer(entry, wanted, hands, abort);
    if (left) open.push(left);
  }
  return open;
}

/**
 * Sends the result of one deployment if Heat still waits for it.
 *
 * @param wanted metadata from after the deployment had ended
 * @returns why it is not acknowledged; undefined if it is, or if Heat no longer waits for it
 */
export async function answer(
  entry: Entry,
  wanted: Wanted,
  hands: Hands,
  abort: AbortSignal,
): Promise<Unacknowledged | undefined> {
  const { id, resource, state } = entry;
  const { ledger, log } = hands;
  const isFinished = state === 'finished';
  const fate = fateOf(entry, wanted, hands);
  switch (fate.is) {
    case 'superseded':
      log('deployment-superseded', { deployment: id, resource, by: fate.by });
      await ledger.supersede(id);
      return undefined;
    case 'unlisted':
      if (isGivenUp(entry)) return undefined;
      if (!(await ledger.miss(id)))
        return isFinished ? { id, code: 'unlisted', why: 'the last answer did not list it' } : undefined;
      log('deployment-unlisted', { deployment: id, resource });
      return undefined;
    case 'unknown':
      return isFinished && !isGivenUp(entry)
        ? { id, code: 'unasked', why: 'the cloud cannot be asked whether it still waits for the result' }
        : undefined;
    case 'awaited': {
      const current = entry.unlisted === undefined ? entry : await ledger.relist(fate.deployment);
      return isFinished ? await send(current, hands, abort) : undefined;
    }
  }
}

type Fate =
  | { is: 'awaited'; deployment: Deployment }
  | { is: 'superseded'; by: string }
  /** Every collector has answered, and none lists it. */
  | { is: 'unlisted' }
  /** Some collectors could not be asked; the others do not list it. */
  | { is: 'unknown' };

/** Whether Heat still waits for a deployment. */
function fateOf(
  { id, resource }: Entry,
  { deployments, complete }: Wanted,
  { ledger }: Pick<Hands, 'ledger'>,
): Fate {
  const by = newestOf(deployments, ledger).get(resource) ?? id;
  if (by !== id) return { is: 'superseded', by };
  const deployment = deployments.find((one) => one.id === id);
  if (deployment) return { is: 'awaited', deployment };
  return { is: complete ? 'unlisted' : 'unknown' };
}

/** Sends a result and records the acknowledgement. Without it, the result is sent again. */
async function send(entry: Entry, hands: Hands, abort: AbortSignal): Promise<Unacknowledged | undefined> {
  const { id, outcome, signal } = entry;
  if (!outcome || !signal) return undefined;
  const left = await deliver({ id, outcome, signal }, hands, abort);
  if (!left) await hands.ledger.signalled(id);
  return left;
}

/**
 * Sends one result. Only an acknowledgement counts; any other answer is logged, and a later pass retries.
 *
 * @returns why it is not acknowledged
 */
export async function deliver(
  { id, outcome, signal }: { id: string; outcome: Outcome; signal: SignalTarget },
  hands: Hands,
  abort: AbortSignal,
): Promise<Unacknowledged | undefined> {
  for (const secret of secretsOfTarget(signal)) hands.secrets.addFor(id, secret);
  const step = signalStep(signal);
  const start = hands.clock.elapsed();
  hands.progress({ event: 'step', step });
  try {
    const body = signalBody(outcome, largestBody(signal));
    await hands.retry(step, PATIENCE, abort, async () => {
      await sendSignal(signal, body, hands.signals, abort);
    });
  } catch (error) {
    const cause = causeOf(error);
    hands.progress({ event: 'failed', step, why: cause.why, isTold: true });
    hands.log('answer-unacknowledged', { deployment: id, why: cause.why });
    return {
      id,
      ...cause,
      retryAfterMs: error instanceof AgentError ? error.retryAfterMs : undefined,
    };
  }
  hands.progress({ event: 'done', step, ms: hands.clock.elapsed() - start });
  return undefined;
}
