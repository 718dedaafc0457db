import * as fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import type { Session } from '../../../src/openstack/keystone.ts';
import { createOpenSocket, type OpenSocket } from '../../../src/openstack/web-socket.ts';
import { listenToQueue } from '../../../src/openstack/zaqar-socket.ts';
import { type Cloud, startCloud } from '../../cloud/cloud.ts';
import { queueOf } from '../../cloud/queues.ts';
import { fastClock } from '../../scenarios/support/clock.ts';
import { systemClock } from '../../../src/base/clock.ts';

let cloud: Cloud | undefined;
afterEach(async () => {
  await cloud?.close();
  cloud = undefined;
});

/** Starts a listener on a queue of an embedded cloud; `rung` counts the rings. */
async function listener(options: { tls?: boolean; trusts?: boolean; token?: string; fast?: boolean } = {}) {
  const started = await startCloud({ tls: options.tls ?? false });
  cloud = started;
  const user = started.identity.login(started.owner, 'secret', {
    kind: 'project',
    id: started.project.id,
  });
  if ('refused' in user) throw new Error('the owner may not log in');
  const stop = new AbortController();
  const session: Session = {
    token: options.token ?? user.id,
    endpoint: () => started.zaqarSocket.origin,
    roles: [],
  };
  const open = createOpenSocket({
    deadlineMs: 2000,
    ca: () => (options.trusts === false ? undefined : started.caPem),
    verify: true,
    proxy: { http: undefined, https: undefined, no: undefined },
  });
  const queue = { queueId: 'q', projectId: started.project.id, userId: started.owner.id };
  let rung = 0;
  let told: (() => void) | undefined;
  const ended = listenToQueue(
    { open, clock: options.fast === true ? fastClock() : systemClock, deadlineMs: 300 },
    session,
    queue,
    () => {
      rung += 1;
      told?.();
    },
    stop.signal,
  ).then(
    () => 'ended',
    (error: unknown) => (error instanceof AgentError ? error : new Error('another error', { cause: error })),
  );
  return {
    cloud: started,
    stop,
    ended,
    rings: () => rung,
    until: async (count: number) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      told = () => {
        if (rung >= count) resolve();
      };
      told();
      await promise;
    },
    post: (body: unknown) =>
      started.queues.post(queueOf(started.project.id, 'q'), [{ body, ttl: 60 }], 'heat'),
  };
}

test.each([false, true])('rings when it starts to listen, and on every message (TLS: %s)', async (tls) => {
  const one = await listener({ tls });
  await one.until(1);
  expect(one.cloud.zaqarSocket.subscribed).toBe(1);
  one.post({ deployments: [] });
  await one.until(2);
  one.post('junk');
  await one.until(3);
  one.stop.abort();
  expect(await one.ended).toMatchObject({ code: 'aborted' });
  await one.cloud.until(() => one.cloud.zaqarSocket.subscribed === 0);
});

test('handles any frame as an answer or a ring', async () => {
  const frame = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record({
        request: fc.record({ action: fc.oneof(fc.string(), fc.constant('authenticate'), fc.jsonValue()) }),
        headers: fc.record({ status: fc.oneof(fc.integer(), fc.jsonValue()) }),
        body: fc.jsonValue(),
      })
      .map((value) => JSON.stringify(value)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 5 }), async (frames) => {
      const session: Session = { token: 't', endpoint: () => 'ws://zaqar', roles: [] };
      const open: OpenSocket = async (_what, _url, events) =>
        await Promise.resolve({
          send: () => {
            for (const one of frames) events.text(one);
            events.closed('the end');
          },
          ping: () => undefined,
          close: () => undefined,
        });
      const queue = { queueId: 'q', projectId: 'p', userId: 'u' };
      const hands = { open, clock: fastClock(), deadlineMs: 1000 };
      const ended = listenToQueue(hands, session, queue, () => undefined, new AbortController().signal);
      await expect(ended).rejects.toBeInstanceOf(AgentError);
    }),
  );
});

test("reports a socket that the peer closes, with the peer's words", async () => {
  const one = await listener();
  await one.until(1);
  one.cloud.zaqarSocket.drop();
  expect(await one.ended).toMatchObject({
    code: 'cloud-unreachable',
    reason: 'socket-closed',
    // In the peer's words.
    message: expect.stringContaining('(1012, restarting)') as unknown,
  });
});

test('detects a silent peer by a ping', async () => {
  const one = await listener({ fast: true });
  await one.until(1);
  one.cloud.zaqarSocket.silence(true);
  expect(await one.ended).toMatchObject({
    code: 'cloud-unreachable',
    reason: 'no-answer',
  });
});

test('listens for most of an hour while pings are answered, then reconnects', async () => {
  const one = await listener({ fast: true });
  expect(await one.ended).toBe('ended');
  expect(one.rings()).toBe(1);
});

test('reports an invalid token as unauthorized, so that a new login can help', async () => {
  const one = await listener({ token: 'none' });
  expect(await one.ended).toMatchObject({ code: 'unauthorized' });
  expect(one.rings()).toBe(0);
});

test('rejects an unknown CA, and reports the failed handshake of a Zaqar that refuses', async () => {
  const untrusted = await listener({ tls: true, trusts: false });
  expect(await untrusted.ended).toMatchObject({ code: 'cloud-unreachable' });
  await untrusted.cloud.close();
  const refused = await listener();
  refused.cloud.zaqarSocket.refuse(true);
  expect(await refused.ended).toMatchObject({ code: 'cloud-unreachable' });
});
