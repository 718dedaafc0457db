import { codeOf } from '../base/errors.ts';
import type { SignalTarget } from '../deployment/deployment.ts';

/** A Swift object behind a temporary address. */
export type SignalObject = {
  /** When it was last replaced, in milliseconds since the epoch; undefined when nobody says. */
  changedAt(abort: AbortSignal): Promise<number | undefined>;
  put(body: string, abort: AbortSignal): Promise<void>;
};

/** What is between Heat's making a deployment, whose date it tells, and handing it out, whose date it goes by. */
const HANDING_OUT_MS = 2000;
const AGAIN_AFTER_MS = 2000;

/**
 * TEMP_URL_SIGNAL: the result becomes the content of an object that Heat looks at. Heat ignores it unless it is
 * newer than the deployment, by dates of whole seconds, so an answer that came too fast is put again. Heat may have
 * heeded the first by then: a failure is rolled back at once, and the object's container goes with the deployment.
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
