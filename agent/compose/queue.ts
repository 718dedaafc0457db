import type { Clock } from '../../src/base/clock.ts';
import type { Listen } from '../../src/metadata/listen.ts';
import type { Queue } from '../../src/metadata/zaqar.ts';
import type { HttpOptions } from '../../src/openstack/http.ts';
import type { Keystone, Login, Session } from '../../src/openstack/keystone.ts';
import { CLAIM_SECONDS, PAGE, type Zaqar } from '../../src/openstack/zaqar.ts';
import type { SignalQueue } from '../../src/signal/post-answer.ts';
import type { ZaqarSection } from '../config/polling.ts';

export type QueueUser = {
  queueId: string;
  authUrl: string;
  userId: string;
  password: string;
  projectId: string;
  region?: string | undefined;
};

/** The user that a section `zaqar` of the configuration names. */
export const queueUserOf = (from: ZaqarSection): QueueUser => ({
  queueId: from.queue_id,
  authUrl: from.auth_url,
  userId: from.user_id,
  password: from.password,
  projectId: from.project_id,
  region: from.region_name,
});

/** Zaqar keeps time in whole seconds. */
const MARGIN_MS = 2000;

/** A queue as its user sees it, part of the composition root. */
export function openQueue(user: QueueUser, keystone: Keystone, zaqar: Zaqar): Queue & SignalQueue {
  const login = loginOf(user);
  const as = async <T>(signal: AbortSignal, use: (session: Session) => Promise<T>): Promise<T> =>
    await keystone.authorized(login, signal, use);
  return {
    id: user.queueId,
    page: PAGE,
    claimMs: CLAIM_SECONDS * 1000 + MARGIN_MS,
    claim: async (signal) => await as(signal, async (session) => await zaqar.claim(session, user, signal)),
    release: async (claimId, signal) => {
      await as(signal, async (session) => {
        await zaqar.release(session, user, claimId, signal);
      });
    },
    has: async (messageId, signal) =>
      await as(signal, async (session) => await zaqar.has(session, user, messageId, signal)),
    removeClaimed: async ({ id, messages }, signal) => {
      const what = { ids: messages.map((message) => message.id), claimId: id };
      await as(signal, async (session) => {
        await zaqar.remove(session, user, what, signal);
      });
    },
    list: async (signal) => await as(signal, async (session) => await zaqar.list(session, user, signal)),
    remove: async (ids, signal) => {
      await as(signal, async (session) => {
        await zaqar.remove(session, user, { ids }, signal);
      });
    },
    post: async (body, ttl, signal) => {
      await as(signal, async (session) => {
        await zaqar.post(session, user, body, ttl, signal);
      });
    },
  };
}

/** Listens to a queue through a websocket. What that needs is loaded when somebody listens. */
export const listenTo =
  (user: QueueUser, keystone: Keystone, options: HttpOptions, clock: Clock): Listen =>
  async (ring, signal) => {
    const { createOpenSocket } = await import('../../src/openstack/web-socket.ts');
    const { listenToQueue } = await import('../../src/openstack/zaqar-socket.ts');
    const hands = { open: createOpenSocket(options), clock, deadlineMs: options.deadlineMs };
    await keystone.authorized(loginOf(user), signal, async (session) => {
      await listenToQueue(hands, session, user, ring, signal);
    });
  };

/** A stack-domain user, as Heat has made it for a server or for a deployment. */
export const loginOf = ({
  authUrl,
  userId,
  password,
  projectId,
  region,
}: Omit<QueueUser, 'queueId'>): Login => ({ authUrl, userId, password, scope: { projectId }, region });
