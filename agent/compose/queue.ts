import type { Clock } from '../../src/base/clock.ts';
import type { Listen } from '../../src/metadata/listen.ts';
import type { Queue } from '../../src/metadata/zaqar.ts';
import type { HttpOptions } from '../../src/openstack/http.ts';
import type { Keystone, Session } from '../../src/openstack/keystone.ts';
import type { Login } from '../../src/openstack/login.ts';
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

/** Returns the user that the section `zaqar` of the configuration describes. */
export const queueUserOf = (from: ZaqarSection): QueueUser => ({
  queueId: from.queue_id,
  authUrl: from.auth_url,
  userId: from.user_id,
  password: from.password,
  projectId: from.project_id,
  region: from.region_name,
});

/** Zaqar counts in whole seconds. */
const MARGIN_MS = 2000;

/** Opens a queue with the login of its user; part of the composition root. */
export function openQueue(user: QueueUser, keystone: Keystone, zaqar: Zaqar): Queue & SignalQueue {
  const login = loginOf(user);
  const as = async <T>(abort: AbortSignal, use: (session: Session) => Promise<T>): Promise<T> =>
    await keystone.authorized(login, abort, use);
  return {
    id: user.queueId,
    page: PAGE,
    claimMs: CLAIM_SECONDS * 1000 + MARGIN_MS,
    claim: async (abort) => await as(abort, async (session) => await zaqar.claim(session, user, abort)),
    release: async (claimId, abort) => {
      await as(abort, async (session) => {
        await zaqar.release(session, user, claimId, abort);
      });
    },
    has: async (messageId, abort) =>
      await as(abort, async (session) => await zaqar.has(session, user, messageId, abort)),
    removeClaimed: async ({ id, messages }, abort) => {
      const what = { ids: messages.map((message) => message.id), claimId: id };
      await as(abort, async (session) => {
        await zaqar.remove(session, user, what, abort);
      });
    },
    list: async (abort) => await as(abort, async (session) => await zaqar.list(session, user, abort)),
    remove: async (ids, abort) => {
      await as(abort, async (session) => {
        await zaqar.remove(session, user, { ids }, abort);
      });
    },
    post: async (body, ttl, abort) => {
      await as(abort, async (session) => {
        await zaqar.post(session, user, body, ttl, abort);
      });
    },
  };
}

/** Listens to a queue through a websocket. Its modules are loaded on first use. */
export const listenTo =
  (user: QueueUser, keystone: Keystone, options: HttpOptions, clock: Clock): Listen =>
  async (ring, abort) => {
    const { createOpenSocket } = await import('../../src/openstack/web-socket.ts');
    const { listenToQueue } = await import('../../src/openstack/zaqar-socket.ts');
    const hands = { open: createOpenSocket(options), clock, deadlineMs: options.deadlineMs };
    await keystone.authorized(loginOf(user), abort, async (session) => {
      await listenToQueue(hands, session, user, ring, abort);
    });
  };

/** Returns the login of a stack-domain user that Heat created for a server or a deployment. */
export const loginOf = ({
  authUrl,
  userId,
  password,
  projectId,
  region,
}: Omit<QueueUser, 'queueId'>): Login => ({ authUrl, userId, password, scope: { projectId }, region });
