import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { createZaqar } from '../../../src/openstack/zaqar.ts';
import { NEVER } from '../support/clock.ts';
import { fakeHttp, type Reply } from '../support/fake-http.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const QUEUE = { queueId: 'k1/server 0', projectId: 'p', userId: '41700b7ea8974975be0c19b4bd6ae861' };
const session = (endpoint = 'http://zaqar') => ({ token: 't', endpoint: () => endpoint, roles: [] });

const open = (...replies: Reply[]) => {
  const { http, asked } = fakeHttp(...replies);
  return { zaqar: createZaqar(http), asked };
};

/** As a real Zaqar answered. */
const CLAIMED: Reply = {
  status: 201,
  headers: { location: '/v2/queues/q/claims/ad07af8f-2e40-4fac-b6a5-d8e0b360809c' },
  text: '{"messages": [{"id": "b4cbfdfd-9a56-4b24-aa57-6495bdc911a8", "href": "/v2/queues/q/messages/b4cbfdfd-9a56-4b24-aa57-6495bdc911a8?claim_id=ad07af8f-2e40-4fac-b6a5-d8e0b360809c", "ttl": 600, "age": 0, "body": {"a": 1}}]}',
};

test('claims a page of messages for a minute, under a constant client id', async () => {
  const { zaqar, asked } = open(CLAIMED, { status: 204 });
  expect(await zaqar.claim(session(), QUEUE, NEVER)).toEqual({
    id: 'ad07af8f-2e40-4fac-b6a5-d8e0b360809c',
    messages: [{ id: 'b4cbfdfd-9a56-4b24-aa57-6495bdc911a8', body: { a: 1 } }],
  });
  expect(await zaqar.claim(session(), QUEUE, NEVER)).toBeUndefined();
  const [first, second] = asked;
  expect(first).toMatchObject({
    method: 'POST',
    url: 'http://zaqar/v2/queues/k1%2Fserver%200/claims?limit=20',
    body: '{"ttl":60,"grace":60}',
    headers: { 'X-Auth-Token': 't', 'X-Project-ID': 'p' },
  });
  // Zaqar on Redis accepts only UUIDs of version 4.
  expect(first?.headers?.['Client-ID']).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(second?.headers?.['Client-ID']).toBe(first?.headers?.['Client-ID']);
});

test.each(['http://zaqar/v2', 'http://zaqar/v2.0', 'http://zaqar/'.replace(/\/$/, '')])(
  'accepts a catalogue with or without the version: %s',
  async (endpoint) => {
    const { zaqar, asked } = open({ status: 204 });
    await zaqar.claim(session(endpoint), QUEUE, NEVER);
    expect(asked[0]?.url).toMatch(/^http:\/\/zaqar\/v2\/queues\//);
  },
);

test('removes messages together with their claim, and sends no request for none', async () => {
  const { zaqar, asked } = open({ status: 204 });
  await zaqar.remove(session(), QUEUE, { ids: ['a', 'b&c'], claimId: 'x' }, NEVER);
  await zaqar.remove(session(), QUEUE, { ids: [] }, NEVER);
  expect(asked.map(({ method, url }) => `${method} ${url.replace(/.*\//, '')}`)).toEqual([
    'DELETE messages?ids=a,b%26c&claim_ids=x',
  ]);
});

test('posts a message as an object', async () => {
  const { zaqar, asked } = open({ status: 201 });
  await zaqar.post(session(), QUEUE, '{"deploy_status_code":0}', 600, NEVER);
  expect(asked[0]?.body).toBe('{"messages":[{"ttl":600,"body":{"deploy_status_code":0}}]}');
});

test.each([
  [401, 'unauthorized'],
  [400, 'cloud-refused'],
  [503, 'cloud-unreachable'],
  [302, 'bad-answer'],
])('maps status %i to %s for every request', async (status, code) => {
  const { zaqar } = open({ status, text: '{"title": "Invalid API request", "description": "no"}' });
  const requests = [
    zaqar.claim(session(), QUEUE, NEVER),
    zaqar.release(session(), QUEUE, 'c', NEVER),
    zaqar.list(session(), QUEUE, NEVER),
    zaqar.remove(session(), QUEUE, { ids: ['a'] }, NEVER),
    zaqar.post(session(), QUEUE, '{}', 600, NEVER),
  ];
  for (const request of requests) expect((await agentErrorOf(request)).code).toBe(code);
});

test('maps any JSON to messages or an error', async () => {
  const message = fc.record({ id: fc.oneof(fc.string(), fc.jsonValue()), body: fc.jsonValue() });
  const answer = fc.oneof(
    fc.jsonValue(),
    fc.record({ messages: fc.oneof(fc.array(message), fc.jsonValue()) }),
  );
  await fc.assert(
    fc.asyncProperty(answer, async (value) => {
      const text = JSON.stringify(value);
      const { zaqar } = open({ ...CLAIMED, text });
      for (const asking of [zaqar.claim(session(), QUEUE, NEVER), zaqar.list(session(), QUEUE, NEVER)])
        await asking.catch((error: unknown) => {
          expect(error).toBeInstanceOf(AgentError);
          expect(error).toMatchObject({ code: 'bad-answer' });
        });
    }),
  );
});
