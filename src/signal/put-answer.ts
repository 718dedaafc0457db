import { codeOf } from '../base/errors.ts';
import type { SignalTarget } from '../deployment/deployment.ts';

/** A Swift object behind a temporary URL. */
export type SignalObject = {
  /** Returns when it was last replaced, in milliseconds since the epoch; undefined if unknown. */
  changedAt(abort: AbortSignal): Promise<number | undefined>;
  put(body: string, abort: AbortSignal): Promise<void>;
};

/**
 * Maximum time between Heat's creating a deployment (the known date) and handing it out (the date that Heat compares).
 */
const HANDING_OUT_MS = 2000;
const AGAIN_AFTER_MS = 2000;

/**
 * TEMP_URL_SIGNAL: stores the result as an object that Heat reads. Heat ignores it unless it is newer than the
 * deployment, by dates of whole seconds, so an early answer is stored again. Heat may have accepted the first one by
 * then: after a failure it rolls back at once, and deletes the container with the deployment.
 */
export async function putAnswer(
  { handedOutAt }: Pick<Extract<SignalTarget, { transport: 'TEMP_URL_SIGNAL' }>, 'handedOutAt'>,
  body: string,
  object: SignalObject,
  sleep: (ms: number, abort: AbortSignal) => Promise<void>,
  abort: AbortSignal,
): Promise<void> {
  const before = await object.changedAt(abort);
  await object.put(body, abort);
  const after = await object.changedAt(abort);
  if (after !== undefined && after > Math.max(before ?? 0, handedOutAt + HANDING_OUT_MS)) return;
  await sleep(AGAIN_AFTER_MS, abort);
  try {
    await object.put(body, abort);
  } catch (error) {
    if (codeOf(error) !== 'cloud-refused') throw error;
  }
}
