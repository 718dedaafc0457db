import { codeOf, explain } from '../../src/base/errors.ts';
import type { Hands } from '../hands.ts';
import type { Known, Place } from './known.ts';
import { type AnnotationName, onOwnNode } from './own-node.ts';

/** The annotation on the Node of an agent that is in the middle of a step. */
export const STEP = 'step' satisfies AnnotationName;

/**
 * Announces a step on this node's own Node while `work` runs.
 *
 * @param work receives the result of `announce`
 */
export async function whileAnnounced<T>(
  step: string,
  known: Pick<Known, 'peers'>,
  place: Place,
  hands: Hands,
  abort: AbortSignal,
  work: (isTold: boolean) => Promise<T>,
): Promise<T> {
  try {
    return await work(await announce(step, known, place, hands, abort));
  } finally {
    await announce(undefined, known, place, hands, abort);
  }
}

/**
 * Announces on this node's own Node that a step is in progress, so that peers wait for its end.
 *
 * @param step undefined: the step has ended
 * @returns false when an API server answers but the announcement failed
 */
export async function announce(
  step: string | undefined,
  { peers }: Pick<Known, 'peers'>,
  { node, units }: Place,
  hands: Hands,
  abort: AbortSignal,
): Promise<boolean> {
  try {
    await onOwnNode({ node, units, peers }, hands, abort, async (own) => {
      await own.annotate({ [STEP]: step ?? null });
    });
    return true;
  } catch (error) {
    if (codeOf(error) === 'aborted' || codeOf(error) === undefined) throw error;
    hands.log('phase-unannounced', { phase: step, why: explain(error) });
    return false;
  }
}
