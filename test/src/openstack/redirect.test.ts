import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import type { HttpRequest } from '../../../src/openstack/http.ts';
import { followed } from '../../../src/openstack/redirect.ts';
import { NEVER } from '../support/clock.ts';
import { fakeHttp } from '../support/fake-http.ts';
import { agentErrorOf, faultIn } from '../support/outcome-of.ts';

const ask = (over: Partial<HttpRequest> = {}): HttpRequest => ({
  what: 'asking',
  method: 'GET',
  url: 'http://heat.example/v1/x?y=z',
  headers: { 'x-auth-token': 'secret', 'x-other': 'kept' },
  abort: NEVER,
  ...over,
});

const to = (location: string, status = 302) => ({ status, headers: { location } });
const OK = { status: 200, text: 'there' };

test.each([
  ['/v2', 'http://heat.example/v2'],
  ['https://heat.example/v1/x', 'https://heat.example/v1/x'],
  ['?y=2', 'http://heat.example/v1/x?y=2'],
])('follows a redirect to %s', async (location, url) => {
  const { http, asked } = fakeHttp(to(location), OK);
  expect((await followed(ask(), http)).text).toBe('there');
  expect(asked.map((one) => one.url)).toEqual(['http://heat.example/v1/x?y=z', url]);
});

const ELSEWHERE = [
  'http://other.example/',
  'http://heat.example:8004/',
  'https://heat.example:8443/',
  '//other.example/v1/x',
];

test.each(ELSEWHERE)('sends no credentials to another origin: %s', async (location) => {
  for (const name of [
    'x-auth-token',
    'X-Auth-Token',
    'X-AUTH-TOKEN',
    'Authorization',
    'X-Project-ID',
    'cookie',
  ])
    for (const status of [301, 302, 303, 307, 308]) {
      const { http, asked } = fakeHttp(to('/same', status), to(location, status), OK);
      const error = await agentErrorOf(followed(ask({ headers: { [name]: 'secret' } }), http));
      expect(error).toMatchObject({ code: 'bad-answer', reason: 'other-origin' });
      expect(asked.map(({ url }) => new URL(url).origin)).toEqual([
        'http://heat.example',
        'http://heat.example',
      ]);
    }
});

test.each(ELSEWHERE)(
  'sends no body to another origin, and accepts no answer from there: %s',
  async (location) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'] as const)
      for (const body of [undefined, 'password']) {
        const { http, asked } = fakeHttp(to(location, 307), OK);
        const request = ask({ method, headers: {}, ...(body === undefined ? {} : { body }) });
        expect(await agentErrorOf(followed(request, http))).toMatchObject({ code: 'bad-answer' });
        expect(asked).toHaveLength(1);
      }
  },
);

test('follows a request without credentials to another origin', async () => {
  const headers = { 'if-none-match': 'abc', 'if-modified-since': 'Sat, 21 Nov 2026 00:00:00 GMT' };
  const { http, asked } = fakeHttp(to('http://other.example/object'), OK);
  expect((await followed(ask({ headers }), http)).text).toBe('there');
  expect(asked[1]).toMatchObject({ url: 'http://other.example/object', headers });
});

test.each([301, 302, 303])('does not turn a change into a GET on %i', async (status) => {
  const { http, asked } = fakeHttp(to('/new', status), OK);
  expect((await followed(ask({ method: 'POST', body: 'change' }), http)).status).toBe(status);
  expect(asked).toHaveLength(1);
});

test.each([307, 308])('repeats a change unchanged on %i', async (status) => {
  const { http, asked } = fakeHttp(to('/new', status), OK);
  await followed(ask({ method: 'POST', body: 'change' }), http);
  expect(asked[1]).toMatchObject({ method: 'POST', body: 'change', url: 'http://heat.example/new' });
});

test.each([
  ['out-of-tls', 'https://heat.example/', 'http://heat.example/'],
  ['no-http-address', 'http://heat.example/', 'file:///etc/shadow'],
  ['no-http-address', 'http://heat.example/', 'http://'],
  ['too-many-redirects', 'http://heat.example/', '/'],
])('rejects %s, from %s to %s', async (reason, url, location) => {
  const { http } = fakeHttp(to(location));
  expect(await faultIn(followed(ask({ url }), http))).toEqual({ code: 'bad-answer', reason });
});

test('returns a redirect without a usable location as an answer', async () => {
  const { http } = fakeHttp({ status: 302 });
  expect((await followed(ask(), http)).status).toBe(302);
});

test('redirects to an http address or fails with an agent error, whatever the location', async () => {
  const part = fc.constantFrom('http', 'https', ':', '//', '@', '[', ']', '%', 'x', '?', '#', ' ', '\0');
  const location = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.webUrl(),
    fc.array(part).map((parts) => parts.join('')),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(301, 302, 303, 307, 308), location, async (status, where) => {
      const { http, asked } = fakeHttp(to(where, status), OK);
      const result = await followed(ask(), http).catch((error: unknown) => error);
      if (!(result instanceof AgentError)) expect(result).toMatchObject(OK);
      for (const { url } of asked) expect(new URL(url).protocol).toMatch(/^https?:$/);
    }),
  );
});
