import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import { parseExactJson } from '../base/exact-json.ts';
import type { Http, HttpAnswer, HttpRequest } from './http.ts';
import type { Session } from './keystone.ts';
import { statusError } from './status.ts';

/** A queue of a project, and the requesting user. */
export type QueueAddress = { queueId: string; projectId: string; userId: string };

export type QueueMessage = { id: string; body: unknown };

/** Messages reserved for this client for a minute, oldest first. */
export type Claim = { id: string; messages: QueueMessage[] };

/** Zaqar's maximum per request. */
export const PAGE = 20;

/** Lifetime of a claim in seconds: Zaqar's minimum. */
export const CLAIM_SECONDS = 60;

/** Zaqar's messaging API, version 2, https://docs.openstack.org/api-ref/message/ . */
export type Zaqar = {
  /** Claims up to a page of unclaimed messages; undefined if there are none. */
  claim(session: Session, queue: QueueAddress, abort: AbortSignal): Promise<Claim | undefined>;
  /** Releases a claim: its messages are available again. An expired claim is not an error. */
  release(session: Session, queue: QueueAddress, claimId: string, abort: AbortSignal): Promise<void>;
  /** Whether a message still exists, claimed or not. */
  has(session: Session, queue: QueueAddress, messageId: string, abort: AbortSignal): Promise<boolean>;
  /** Lists up to a page of unclaimed messages without claiming them. */
  list(session: Session, queue: QueueAddress, abort: AbortSignal): Promise<QueueMessage[]>;
  remove(
    session: Session,
    queue: QueueAddress,
    what: { ids: readonly string[]; claimId?: string },
    abort: AbortSignal,
  ): Promise<void>;
  /** Posts a message. @param body a JSON text @param ttl seconds */
  post(session: Session, queue: QueueAddress, body: string, ttl: number, abort: AbortSignal): Promise<void>;
};

const Messages = v.object({ messages: v.array(v.object({ id: v.string(), body: v.unknown() })) });

/** A request below the address of a queue. */
type Asked = Pick<HttpRequest, 'what' | 'method' | 'body' | 'abort'> & { path: string };

export function createZaqar(http: Http): Zaqar {
  const send = async (
    session: Session,
    queue: QueueAddress,
    { path, ...rest }: Asked,
  ): Promise<HttpAnswer> => {
    const base = session.endpoint('messaging').replace(/\/v\d[\d.]*$/, '');
    const url = `${base}/v2/queues/${encodeURIComponent(queue.queueId)}/${path}`;
    const headers = { ...headersOf(session, queue), 'content-type': 'application/json' };
    return await http({ ...rest, url, headers });
  };
  const ask = async (session: Session, queue: QueueAddress, asked: Asked): Promise<HttpAnswer> => {
    const answer = await send(session, queue, asked);
    if (answer.status < 200 || answer.status >= 300) throw statusError(asked.what, answer);
    return answer;
  };

  return {
    claim: async (session, queue, abort) => {
      const what = `claiming the messages of queue ${queue.queueId}`;
      const body = JSON.stringify({ ttl: CLAIM_SECONDS, grace: CLAIM_SECONDS });
      const path = `claims?limit=${PAGE}`;
      const answer = await ask(session, queue, { what, method: 'POST', path, body, abort });
      if (answer.status === 204) return undefined;
      const id = /\/claims\/([^/?]+)$/.exec(answer.headers['location'] ?? '')?.[1];
      if (id === undefined) throw new AgentError('bad-answer', 'the answer names no claim', { task: what });
      return { id, messages: messagesOf(answer, what) };
    },

    release: async (session, queue, claimId, abort) => {
      const what = `giving back a claim on queue ${queue.queueId}`;
      const path = `claims/${encodeURIComponent(claimId)}`;
      await ask(session, queue, { what, method: 'DELETE', path, abort });
    },

    has: async (session, queue, messageId, abort) => {
      const what = `looking for a message of queue ${queue.queueId}`;
      const path = `messages/${encodeURIComponent(messageId)}`;
      const answer = await send(session, queue, { what, method: 'GET', path, abort });
      if (answer.status !== 200 && answer.status !== 404) throw statusError(what, answer);
      return answer.status === 200;
    },

    list: async (session, queue, abort) => {
      const what = `reading the messages of queue ${queue.queueId}`;
      // Without `echo`, this client's own messages are omitted.
      const path = `messages?echo=true&limit=${PAGE}`;
      return messagesOf(await ask(session, queue, { what, method: 'GET', path, abort }), what);
    },

    remove: async (session, queue, { ids, claimId }, abort) => {
      if (ids.length === 0) return;
      const what = `removing messages of queue ${queue.queueId}`;
      const claims = claimId === undefined ? '' : `&claim_ids=${encodeURIComponent(claimId)}`;
      const path = `messages?ids=${ids.map(encodeURIComponent).join(',')}${claims}`;
      await ask(session, queue, { what, method: 'DELETE', path, abort });
    },

    post: async (session, queue, text, ttl, abort) => {
      const what = `posting a message to queue ${queue.queueId}`;
      const body = `{"messages":[{"ttl":${ttl},"body":${text}}]}`;
      await ask(session, queue, { what, method: 'POST', path: 'messages', body, abort });
    },
  };
}

function messagesOf(answer: HttpAnswer, what: string): QueueMessage[] {
  const body = v.safeParse(Messages, parseExactJson(answer.text, what, 'bad-answer'));
  if (!body.success) throw new AgentError('bad-answer', 'the answer has no messages', { task: what });
  return body.output.messages;
}

/** Headers of every request to Zaqar, by REST and through the socket. */
export const headersOf = (session: Session, { projectId, userId }: QueueAddress): Record<string, string> => ({
  'X-Auth-Token': session.token,
  'X-Project-ID': projectId,
  'Client-ID': clientIdOf(userId),
});

/**
 * Zaqar identifies clients by a stable UUID of version 4. It is derived from the user's id, so none has to be stored.
 */
function clientIdOf(userId: string): string {
  const hex = createHash('sha256').update(userId).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
