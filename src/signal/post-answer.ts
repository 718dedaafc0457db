import { isDeepStrictEqual } from 'node:util';

/** The queue in which Heat finds the answers for one deployment resource; only this node posts there. */
export type SignalQueue = {
  list(abort: AbortSignal): Promise<{ id: string; body: unknown }[]>;
  remove(ids: readonly string[], abort: AbortSignal): Promise<void>;
  post(body: string, ttlSeconds: number, abort: AbortSignal): Promise<void>;
};

const TTL_SECONDS = 600;

/**
 * ZAQAR_SIGNAL: posts the result to a queue, from which Heat takes one message when it waits for one. A message left
 * there would answer the next deployment of the resource. So the queue never contains more than this answer: older ones
 * are removed, and one whose acknowledgement was lost is not posted again.
 */
export async function postAnswer(body: string, queue: SignalQueue, abort: AbortSignal): Promise<void> {
  const answer: unknown = JSON.parse(body);
  const [there, ...copies] = await leftIn(queue, answer, abort);
  await queue.remove(copies, abort);
  if (there === undefined) await queue.post(body, TTL_SECONDS, abort);
}

/** Converts exact numbers to plain ones, as in the answer. */
const plain = (body: unknown): unknown => JSON.parse(JSON.stringify(body));

/** Returns the ids of messages equal to this answer; removes all others. */
async function leftIn(queue: SignalQueue, answer: unknown, abort: AbortSignal): Promise<string[]> {
  const messages = await queue.list(abort);
  const same = messages.filter(({ body }) => isDeepStrictEqual(plain(body), answer)).map(({ id }) => id);
  await queue.remove(
    messages.map(({ id }) => id).filter((id) => !same.includes(id)),
    abort,
  );
  return same;
}
