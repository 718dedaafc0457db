import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { createHeat } from '../../../src/openstack/heat.ts';
import type { Session } from '../../../src/openstack/keystone.ts';
import { NEVER } from '../support/clock.ts';
import { fakeHttp } from '../support/fake-http.ts';
import { fixture, jsonObject } from '../support/fixtures.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const session: Session = {
  token: 'gAAAA',
  endpoint: (type) => `http://heat/${type}/v1/p`,
  roles: [],
};
const resource = { stackId: 'k3/6443f4ad', resourceName: 'no de' };
const SIGNED = 'http://heat:8000/v1/signal/arn%3Aopenstack?Timestamp=x&Signature=secret';

test('fetches metadata from its resource, without its wrapper', async () => {
  const metadata = jsonObject(fixture('metadata-rotate.json'));
  const { http, asked } = fakeHttp({ status: 200, text: JSON.stringify({ metadata }) });
  expect(jsonObject(await createHeat(http).readMetadata(session, resource, NEVER))).toEqual(metadata);
  expect(asked).toMatchObject([
    {
      method: 'GET',
      url: 'http://heat/orchestration/v1/p/stacks/k3/6443f4ad/resources/no%20de/metadata',
      headers: { 'x-auth-token': 'gAAAA' },
    },
  ]);
});

test('returns the metadata of each answer, whether it equals the last one or not', async () => {
  const large = { metadata: { text: 'x'.repeat(300_000) } };
  for (const bodies of [
    [{ a: 1 }, { a: 1 }, { a: 2 }, { a: 1 }],
    [{ a: 1 }, large, { a: 1 }, large],
  ]) {
    const answers = bodies.map((metadata) => ({ status: 200, text: JSON.stringify({ metadata }) }));
    const heat = createHeat(fakeHttp(...answers).http);
    for (const metadata of bodies)
      expect(jsonObject(await heat.readMetadata(session, resource, NEVER))).toEqual(metadata);
  }
});

test('rejects an answer without metadata', async () => {
  for (const text of ['', '{}', '{"metadata": null}']) {
    const { http } = fakeHttp({ status: 200, text });
    expect(await agentErrorOf(createHeat(http).readMetadata(session, resource, NEVER))).toMatchObject({
      code: 'bad-answer',
    });
  }
});

test('posts a signal to a resource with the token', async () => {
  const { http, asked } = fakeHttp({ status: 200 });
  await createHeat(http).signalResource(session, resource, '{"a":1}', NEVER);
  expect(asked).toMatchObject([
    {
      method: 'POST',
      url: 'http://heat/orchestration/v1/p/stacks/k3/6443f4ad/resources/no%20de/signal',
      body: '{"a":1}',
    },
  ]);
});

test('uses a pre-signed address unchanged, and hides its query in messages', async () => {
  const { http, asked } = fakeHttp({ status: 204 }, { status: 403, text: 'no' });
  await createHeat(http).signalAddress(SIGNED, 'PUT', '{}', NEVER);
  expect(asked).toMatchObject([{ method: 'PUT', url: SIGNED, body: '{}' }]);
  const error = await agentErrorOf(createHeat(http).signalAddress(SIGNED, 'POST', '{}', NEVER));
  expect(error).toMatchObject({ code: 'cloud-refused', reason: 'http-403' });
  expect(error.message).toContain(' http://heat:8000/v1/signal/arn%3Aopenstack: ');
  expect(asked.map(({ what }) => what).join('\n') + error.message).not.toContain('secret');
});

test('accepts only http addresses', async () => {
  const { http, asked } = fakeHttp({ status: 200 });
  for (const url of ['file:///etc/passwd', 'ftp://x', '/v1/signal', ''])
    expect(await agentErrorOf(createHeat(http).signalAddress(url, 'POST', '{}', NEVER))).toMatchObject({
      code: 'bad-deployment',
    });
  expect(asked).toEqual([]);
});

test.each([
  [401, 'unauthorized'],
  [404, 'cloud-refused'],
  [503, 'cloud-unreachable'],
  [302, 'bad-answer'],
])('treats status %i as unacknowledged: %s', async (status, code) => {
  const { http } = fakeHttp({ status });
  const heat = createHeat(http);
  for (const signalled of [
    heat.signalResource(session, resource, '{}', NEVER),
    heat.signalAddress(SIGNED, 'POST', '{}', NEVER),
  ])
    expect(await agentErrorOf(signalled)).toMatchObject({ code });
});

test('maps any answer to the text of a JSON object or an agent error', async () => {
  const close = fc.jsonValue().map((metadata) => JSON.stringify({ metadata }));
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), close);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 200, max: 599 }), text, async (status, body) => {
      const { http } = fakeHttp({ status, text: body });
      const result = await createHeat(http)
        .readMetadata(session, resource, NEVER)
        .catch((error: unknown) => error);
      if (!(result instanceof AgentError)) expect(jsonObject(String(result))).toBeTypeOf('object');
    }),
  );
});
