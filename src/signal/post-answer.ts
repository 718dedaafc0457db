import { isDeepStrictEqual } from 'node:util';

/** The queue of one deployment resource, in which Heat finds its answers; nobody else posts there. */
export type SignalQueue = {
  list(abort: AbortSignal): Promise<{ id: string; body: unknown }[]>;
  remove(ids: readonly string[], abort: AbortSignal): Promise<void>;
  post(body: string, ttlSeconds: number, abort: AbortSignal): Promise<void>;
};

const TTL_SECONDS = 600;

/**
 * ZAQAR_SIGNAL: the result is posted to a queue, out of which Heat takes one message when it waits for one. What
 * lies there answers whichever deployment of the resource comes next. So there is never more than this answer: an
 * older one is taken out, and one whose acknowledgement was lost is not posted a second time.
 */
export async function postAnswer(body: string, queue: SignalQueue, abort: AbortSignal): Promise<void> {
  const answer: unknown = JSON.parse(body);
  const [there, ...copies] = await leftIn(queue, answer, abort);
  await queue.remove(copies, abort);
  if (there === undefined) await queue.post(body, TTL_SECONDS, abort);
}

/** A body whose numbers are plain ones, as in the answer. */
const plain = (body: unknown): unknown => JSON.parse(JSON.stringify(body));

/** The ids of messages that are this answer; every other message is gone. */
async function leftIn(queue: SignalQueue, answer: unknown, abort: AbortSignal): Promise<string[]> {
  const messages = await queue.list(abort);
  const same = messages.filter(({ body }) => isDeepStrictEqual(plain(body), answer)).map(({ id }) => id);
  await queue.remove(
    messages.map(({ id }) => id).filter((id) => !same.includes(id)),
    abort,
  );
  return same;
}
