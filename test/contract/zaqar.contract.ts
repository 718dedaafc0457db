import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loginOf, type QueueUser } from '../../agent/compose/queue.ts';
import { systemClock } from '../../src/base/clock.ts';
import { codeOf } from '../../src/base/errors.ts';
import { createSecrets } from '../../src/base/secrets.ts';
import { createHttp } from '../../src/openstack/http.ts';
import { createKeystone, type Session } from '../../src/openstack/keystone.ts';
import { createOpenSocket } from '../../src/openstack/web-socket.ts';
import { createZaqar } from '../../src/openstack/zaqar.ts';
import { listenToQueue } from '../../src/openstack/zaqar-socket.ts';
import { largestBody } from '../../src/signal/body.ts';
import { agentErrorOf } from '../src/support/outcome-of.ts';
import { Place } from './coordinates.ts';
import { eventually, Metadata } from './doors.ts';
import { answerWith, PLAIN, rotate } from './rotate-and-answer.ts';

const Section = v.object({
  user_id: v.string(),
  password: v.string(),
  auth_url: v.string(),
  project_id: v.string(),
  queue_id: v.string(),
  region_name: v.string(),
});

/** A cluster of one server with ZAQAR_MESSAGE and ZAQAR_SIGNAL. */
export const ZaqarCoordinates = v.object({
  ...Place.entries,
  servers: v.tupleWithRest(
    [
      v.object({
        name: v.string(),
        os_collect_config: v.object({ collectors: v.array(v.string()), zaqar: Section }),
      }),
    ],
    v.unknown(),
  ),
});
export type ZaqarCoordinates = v.InferOutput<typeof ZaqarCoordinates>;

/** Requirements of the collector `zaqar` and of ZAQAR_SIGNAL on Zaqar and Heat. */
export function zaqarContract(
  name: string,
  connect: () => Promise<{ at: ZaqarCoordinates; close(): Promise<void> }>,
): void {
  describe(`${name}, over Zaqar`, () => {
    let at: ZaqarCoordinates;
    let close: () => Promise<void>;
    let user: QueueUser;
    let session: Session;
    const { signal: abort } = new AbortController();
    const http = createHttp(PLAIN);
    const zaqar = createZaqar(http);
    const keystone = createKeystone({ http, clock: systemClock, secrets: createSecrets() });
    beforeAll(async () => {
      ({ at, close } = await connect());
      const section = at.servers[0].os_collect_config.zaqar;
      user = {
        queueId: section.queue_id,
        authUrl: section.auth_url,
        userId: section.user_id,
        password: section.password,
        projectId: section.project_id,
        region: section.region_name,
      };
      session = await keystone.login(loginOf(user), abort);
    });
    afterAll(async () => {
      http.close();
      await close();
    });

    /** An unused queue of the same project: a queue exists as soon as it is named. */
    const scratch = () => ({ ...user, queueId: `scratch-${randomUUID()}` });
    const post = async (queue: QueueUser, ...bodies: unknown[]): Promise<void> => {
      for (const body of bodies) await zaqar.post(session, queue, JSON.stringify(body), 600, abort);
    };

    /** Empties the server's queue, and returns the newest message. */
    let newest: unknown;
    const metadata = async (): Promise<v.InferOutput<typeof Metadata>> => {
      const claimed = await zaqar.claim(session, user, abort);
      if (claimed) {
        const ids = claimed.messages.map(({ id }) => id);
        await zaqar.remove(session, user, { ids, claimId: claimed.id }, abort);
        newest = claimed.messages.at(-1)?.body ?? newest;
      }
      return v.parse(Metadata, newest);
    };

    test('a message of Heat is the whole metadata: how to poll, and no deployments at first', async () => {
      expect(await metadata()).toEqual({
        deployments: [],
        'os-collect-config': at.servers[0].os_collect_config,
      });
    });

    test('a claim contains the messages in order, and hides them; a released claim restores them', async () => {
      const queue = scratch();
      expect(await zaqar.claim(session, queue, abort)).toBeUndefined();
      await post(queue, { n: 1 }, { n: 2 });
      const claimed = await zaqar.claim(session, queue, abort);
      expect(claimed?.messages.map(({ body }) => body)).toEqual([{ n: 1 }, { n: 2 }]);
      expect(await zaqar.claim(session, queue, abort)).toBeUndefined();
      expect(await zaqar.list(session, queue, abort)).toEqual([]);
      await post(queue, { n: 3 });
      await zaqar.release(session, queue, claimed?.id ?? '', abort);
      const again = await zaqar.claim(session, queue, abort);
      expect(again?.messages.map(({ body }) => body)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
      const [first, ...rest] = again?.messages ?? [];
      expect(await zaqar.has(session, queue, first?.id ?? '', abort)).toBe(true);
      await zaqar.remove(session, queue, { ids: [first?.id ?? ''], claimId: again?.id ?? '' }, abort);
      expect(await zaqar.has(session, queue, first?.id ?? '', abort)).toBe(false);
      await zaqar.release(session, queue, again?.id ?? '', abort);
      expect(await zaqar.list(session, queue, abort)).toEqual(rest);
    });

    test('a page has the twenty oldest messages', async () => {
      const queue = scratch();
      await post(queue, ...Array.from({ length: 21 }, (_, n) => ({ n })));
      const claimed = await zaqar.claim(session, queue, abort);
      expect(claimed?.messages.map(({ body }) => body)).toEqual(
        Array.from({ length: 20 }, (_, n) => ({ n })),
      );
    });

    test("the largest answer that the agent sends is accepted; one of Heat's limit is not", async () => {
      const queue = scratch();
      const fits = 'x'.repeat(largestBody({ transport: 'ZAQAR_SIGNAL' }) - 20);
      await post(queue, { deploy_stdout: fits });
      const tooLarge = await agentErrorOf(post(queue, { deploy_stdout: 'x'.repeat(262_144) }));
      expect(tooLarge).toMatchObject({ code: 'cloud-refused', reason: 'http-400' });
      expect(tooLarge.message).toContain('too large. Max size 262144');
    });

    test('an invalid token is unauthorized, by REST and through the socket', async () => {
      const nobody = { ...session, token: 'none' };
      expect(await zaqar.claim(nobody, user, abort).catch(codeOf)).toBe('unauthorized');
      const hands = { open: createOpenSocket(PLAIN), clock: systemClock, deadlineMs: 60_000 };
      const listening = listenToQueue(hands, nobody, user, () => undefined, abort);
      expect(await listening.catch(codeOf)).toBe('unauthorized');
    });

    test('a client without a UUID of version 4 is rejected', async () => {
      const url = `${session.endpoint('messaging')}/v2/queues/q/messages`;
      for (const [client, status] of [
        [{ 'Client-ID': randomUUID() }, 200],
        [{ 'Client-ID': 'nobody' }, 400],
        [{}, 400],
      ] as const) {
        const answer = await fetch(url, { headers: { 'X-Auth-Token': session.token, ...client } });
        expect(answer.status).toBe(status);
      }
    });

    test('the socket rings at the start of listening, and for each message', async () => {
      const queue = scratch();
      const stop = new AbortController();
      let rung = 0;
      const hands = { open: createOpenSocket(PLAIN), clock: systemClock, deadlineMs: 60_000 };
      const listening = listenToQueue(hands, session, queue, () => void (rung += 1), stop.signal);
      const rings = async (): Promise<number> => await Promise.resolve(rung);
      await eventually(rings, (count) => count === 1, 'the first ring');
      await post(queue, { n: 1 });
      await eventually(rings, (count) => count === 2, 'a ring');
      stop.abort();
      expect(await listening.catch(codeOf)).toBe('aborted');
    });

    test('a rotation arrives in the queue and is answered through another', async () => {
      const waiting = await rotate(at, http, metadata);
      expect(waiting.inputs).toMatchObject({ deploy_signal_transport: 'ZAQAR_SIGNAL' });
      expect(waiting.target).toMatchObject({
        transport: 'ZAQAR_SIGNAL',
        queueId: waiting.inputs['deploy_queue_id'],
      });
      await answerWith(waiting, { deploy_stdout: 'as wished', deploy_status_code: 0 }, 'UPDATE_COMPLETE');
    });
  });
}
