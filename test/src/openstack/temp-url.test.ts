import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { createTempUrl } from '../../../src/openstack/temp-url.ts';
import { NEVER } from '../support/clock.ts';
import { fakeHttp, type Reply } from '../support/fake-http.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const SIGNATURE = '22d100d737b9e506003137fbd67f88e767dfc7cc';
const ADDRESS = `http://swift:8080/v1/AUTH_p/c/o?temp_url_sig=${SIGNATURE}&temp_url_expires=2147483586`;
const LATER = 'Sat, 21 Nov 2026 15:31:18 GMT';

const open = (...replies: Reply[]) => {
  const secrets = createSecrets();
  const { http, asked } = fakeHttp(...replies);
  return { secrets, asked, object: createTempUrl(ADDRESS, { http, secrets }) };
};

test('builds the version from date and ETag', async () => {
  const { object, asked } = open({ status: 200, headers: { 'last-modified': LATER, etag: 'abc' } });
  expect(await object.look(NEVER)).toEqual({ modified: Date.UTC(2026, 10, 21, 15, 31, 18), tag: 'abc' });
  expect(asked).toMatchObject([{ method: 'HEAD', url: ADDRESS }]);
});

test('does not fetch a known version again', async () => {
  const { object, asked } = open({ status: 304 });
  const version = { modified: Date.parse(LATER), tag: 'abc' };
  expect(await object.read(version, NEVER)).toEqual({ text: undefined, version });
  expect(asked[0]?.headers).toEqual({ 'if-none-match': 'abc', 'if-modified-since': LATER });
});

test.each([
  [{ status: 401, text: '401 Unauthorized: Temp URL invalid' }, 'cloud-refused'],
  [{ status: 403 }, 'cloud-refused'],
  [{ status: 404 }, 'cloud-refused'],
  [{ status: 503 }, 'cloud-unreachable'],
  [{ status: 304 }, 'bad-answer'],
])('reports %o without showing the authorization', async (reply, code) => {
  const { object, secrets, asked } = open(reply);
  const error = await agentErrorOf(object.read(undefined, NEVER));
  expect(error.code).toBe(code);
  expect(`${error.message}${asked[0]?.what}`).not.toContain(SIGNATURE);
  expect(secrets.redact(`${ADDRESS} ${SIGNATURE}`)).not.toContain(SIGNATURE);
});

const redirected = async (): Promise<never> =>
  await Promise.reject(new AgentError('bad-answer', 'redirected'));

test('falls back to GET if HEAD is redirected to another origin', async () => {
  const object = createTempUrl(ADDRESS, { http: redirected, secrets: createSecrets() });
  expect(await object.look(NEVER)).toBeUndefined();
});

test('falls back to GET if HEAD is rejected', async () => {
  for (const status of [401, 403, 404, 405, 501])
    expect(await open({ status }).object.look(NEVER)).toBeUndefined();
});

test('maps any headers to a version, and any answer to a text or an agent error', async () => {
  const reply = fc.record({
    status: fc.integer({ min: 100, max: 599 }),
    text: fc.string(),
    headers: fc.record(
      {
        'last-modified': fc.oneof(fc.string(), fc.date({ noInvalidDate: true }).map(String)),
        etag: fc.string(),
      },
      { requiredKeys: [] },
    ),
  });
  await fc.assert(
    fc.asyncProperty(reply, reply, async (first, second) => {
      const { object } = open(first, second);
      const version = await object.look(NEVER);
      const result = await object.read(version, NEVER).catch((error: unknown) => error);
      expect(result instanceof AgentError || typeof result === 'object').toBe(true);
    }),
  );
});
