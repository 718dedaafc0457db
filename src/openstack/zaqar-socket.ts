import * as v from 'valibot';
import { type Clock, within } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { JsonText } from '../base/json.ts';
import type { Session } from './keystone.ts';
import { statusError } from './status.ts';
import type { OpenSocket } from './web-socket.ts';
import { headersOf, type QueueAddress } from './zaqar.ts';

/** A peer that disappears silently is detected by an unanswered ping. */
const PING_EVERY_MS = 30_000;

/** The subscription is renewed on a new socket before it expires. */
const PINGS = 100;
const SUBSCRIPTION_SECONDS = 3600;

/**
 * Listens to a queue through Zaqar's websocket (https://docs.openstack.org/zaqar/latest/user/send_request_api.html
 * documents the REST requests; the frames are those of zaqar/transport/websocket). Calls `ring` when listening has
 * begun, because earlier messages are unknown, and for each message. Ignores the content; messages stay in the queue.
 *
 * @returns when it is time to subscribe again
 * @throws `cloud-unreachable` if the socket is lost, `unauthorized` if the token is rejected
 */
export async function listenToQueue(
  { open, clock, deadlineMs }: { open: OpenSocket; clock: Clock; /** For one answer. */ deadlineMs: number },
  session: Session,
  queue: QueueAddress,
  ring: () => void,
  abort: AbortSignal,
): Promise<void> {
  const url = session.endpoint('messaging-websocket');
  const what = `listening to queue ${queue.queueId} at ${url}`;
  const lost = new AbortController();
  const waiting = new Map<string, (answer: Answer) => void>();
  const text = (frame: string): void => {
    const answer = v.safeParse(AnswerFrame, frame);
    if (answer.success) waiting.get(answer.output.request.action)?.(answer.output);
    else ring();
  };
  const events = {
    text,
    pong: () => waiting.get('ping')?.({ status: 200, text: '' }),
    closed: (why: string) => {
      lost.abort(new AgentError('cloud-unreachable', why, { task: what, reason: 'socket-closed' }));
    },
  };
  const socket = await open(what, url, events, abort);
  const alive = AbortSignal.any([abort, lost.signal]);

  const asked = async (action: string, send: () => void): Promise<Answer> =>
    await within(deadlineMs, alive, async (limit) => {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      const giveUp = (): void => {
        const late = new AgentError(
          'cloud-unreachable',
          `no answer to ${action} within ${deadlineMs / 1000} s`,
          { task: what, reason: 'no-answer' },
        );
        reject(alive.aborted ? endOf(alive, what) : late);
      };
      limit.addEventListener('abort', giveUp, { once: true });
      waiting.set(action, resolve);
      if (limit.aborted) giveUp();
      else send();
      return await promise;
    });
  const request = async (action: string, body: unknown, good: readonly number[]): Promise<void> => {
    const frame = JSON.stringify({ action, headers: headersOf(session, queue), body });
    const answer = await asked(action, () => {
      socket.send(frame);
    });
    if (!good.includes(answer.status)) throw statusError(`${what}: ${action}`, { ...answer, headers: {} });
  };

  try {
    await request('authenticate', {}, [200]);
    // 409: this socket has already subscribed.
    await request(
      'subscription_create',
      { queue_name: queue.queueId, ttl: SUBSCRIPTION_SECONDS },
      [201, 409],
    );
    ring();
    for (let pings = 0; pings < PINGS; pings += 1) {
      await clock.sleep(PING_EVERY_MS, alive).catch(() => {
        throw endOf(alive, what);
      });
      await asked('ping', () => {
        socket.ping();
      });
    }
  } finally {
    socket.close();
  }
}

/** Returns why listening ended: the socket is lost, or the program stops. */
const endOf = ({ reason }: AbortSignal, what: string): AgentError =>
  reason instanceof AgentError ? reason : new AgentError('aborted', 'stopped', { task: what });

type Answer = { status: number; text: string };

/** An answer repeats its request; any other frame is a notification. */
const AnswerFrame = v.pipe(
  JsonText,
  v.object({
    request: v.object({ action: v.string() }),
    headers: v.object({ status: v.number() }),
    body: v.optional(v.unknown()),
  }),
  v.transform(({ request, headers, body }) => ({
    request,
    status: headers.status,
    text: JSON.stringify(body ?? ''),
  })),
);
