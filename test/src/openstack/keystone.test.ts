import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { createKeystone, identityV3, type Keystone } from '../../../src/openstack/keystone.ts';
import type { NodeLogin } from '../../../src/openstack/login.ts';
import { NEVER, type TestClock, testClock } from '../support/clock.ts';
import { captured, fakeHttp, type Reply } from '../support/fake-http.ts';
import { isObject } from '../../../src/base/json.ts';
import { jsonObject } from '../support/fixtures.ts';
import { agentErrorOf, faultIn, faultOf } from '../support/outcome-of.ts';

const TOKEN = captured('keystone-trust-token.json');
const HOUR = 3_600_000;

const login: NodeLogin = {
  authUrl: 'http://127.0.0.1:5000/v3/',
  userId: 'ddcb138e30ca431698075ef57ee0cbfa',
  password: 'trustee secret',
  scope: { trustId: 'a26399695f764bf7900d858b70aa6648' },
  region: 'RegionOne',
};

function setUp(...replies: Reply[]) {
  const { http, asked } = fakeHttp(...replies);
  const clock: TestClock = testClock();
  const secrets = createSecrets();
  const keystone: Keystone = createKeystone({ http, clock, secrets });
  return { keystone, asked, clock, secrets };
}

test('logs in with a trust as Keystone expects, and returns a session', async () => {
  const { keystone, asked, secrets } = setUp(TOKEN);
  const session = await keystone.login(login, NEVER);
  expect(session.token).toBe('gAAAA-example');
  expect(session.endpoint('container-infra')).toBe('http://127.0.0.1:9511/v1');
  expect(session.endpoint('orchestration')).toBe('http://127.0.0.1:8004/v1/bf061bce01144cde819717704ae095af');
  expect(asked).toMatchObject([{ method: 'POST', url: 'http://127.0.0.1:5000/v3/auth/tokens' }]);
  expect(jsonObject(asked[0]?.body ?? '')).toEqual({
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { id: login.userId, password: 'trustee secret' } },
      },
      scope: { 'OS-TRUST:trust': { id: 'a26399695f764bf7900d858b70aa6648' } },
    },
  });
  expect(secrets.redact('trustee secret, gAAAA-example')).toBe('***, ***');
});

test('logs a stack-domain user in to its project', async () => {
  const { keystone, asked } = setUp(TOKEN);
  await keystone.login({ ...login, scope: { projectId: '9be0' } }, NEVER);
  expect(jsonObject(asked[0]?.body ?? '')).toMatchObject({ auth: { scope: { project: { id: '9be0' } } } });
});

test('uses a token until its last minute, whatever the clocks of node and cloud', async () => {
  const { keystone, asked, clock } = setUp(TOKEN);
  await keystone.login(login, NEVER);
  clock.advance(HOUR - 61_000);
  await keystone.login(login, NEVER);
  expect(asked).toHaveLength(1);
  clock.advance(2000);
  await keystone.login(login, NEVER);
  expect(asked).toHaveLength(2);
});

test('shares concurrent logins, but only of the same user', async () => {
  const { keystone, asked } = setUp(TOKEN);
  await Promise.all([keystone.login(login, NEVER), keystone.login(login, NEVER)]);
  expect(asked).toHaveLength(1);
  await keystone.login({ ...login, password: 'another secret' }, NEVER);
  expect(asked).toHaveLength(2);
});

test.each(['keystone-wrong-password.json', 'keystone-unknown-trust.json'])(
  "reports %s as a refused login in Keystone's words",
  async (name) => {
    const { keystone } = setUp(captured(name));
    const error = await agentErrorOf(keystone.login(login, NEVER));
    expect(error).toMatchObject({ code: 'login-refused' });
    expect(error.message).toContain(' 401 The request you have made requires authentication.');
    expect(error.message).toContain('a26399695f764bf7900d858b70aa6648');
    expect(error.message).not.toContain('secret');
  },
);

test.each([500, 502, 503, 429])('retries %i', async (status) => {
  const { keystone } = setUp({ status, headers: { 'retry-after': '7' } });
  expect(await agentErrorOf(keystone.login(login, NEVER))).toMatchObject({
    code: 'cloud-unreachable',
    retryAfterMs: 7000,
  });
});

test.each<[string, Reply]>([
  ['no token', { ...TOKEN, headers: {} }],
  ['invalid JSON', { ...TOKEN, text: '<html>' }],
  ['another shape', { ...TOKEN, text: '{"token":{}}' }],
  ['another status', { ...TOKEN, status: 200 }],
])('rejects an answer with %s', async (_, reply) => {
  const { keystone } = setUp(reply);
  expect(await agentErrorOf(keystone.login(login, NEVER))).toMatchObject({ code: 'bad-answer' });
});

test('chooses the public endpoint of a service, without its trailing slash', async () => {
  const text = (TOKEN.text ?? '').replaceAll(
    /("interface":"(\w+)","region_id":"RegionOne","url":")[^"]*9511[^"]*/g,
    '$1http://$2.example/v1/',
  );
  const { keystone } = setUp({ ...TOKEN, text });
  const session = await keystone.login(login, NEVER);
  expect(session.endpoint('container-infra')).toBe('http://public.example/v1');
});

const NO_ENDPOINT = { code: 'cloud-refused', reason: 'no-endpoint' };

test('rejects an endpoint that the catalogue or the region lacks, by name', async () => {
  const { keystone } = setUp(TOKEN);
  const session = await keystone.login(login, NEVER);
  expect(faultOf(() => session.endpoint('messaging'))).toEqual(NO_ENDPOINT);
  const other = await keystone.login({ ...login, region: 'RegionTwo' }, NEVER);
  expect(faultOf(() => other.endpoint('container-infra'))).toEqual(NO_ENDPOINT);
  const any = await keystone.login({ ...login, region: undefined }, NEVER);
  expect(any.endpoint('container-infra')).toBe('http://127.0.0.1:9511/v1');
});

/** Returns the captured token with a modified catalogue. */
const withCatalogue = (change: (entries: unknown[]) => unknown): Reply => {
  const body = jsonObject(TOKEN.text ?? '');
  const token = isObject(body['token']) ? body['token'] : {};
  const entries: unknown[] = Array.isArray(token['catalog']) ? token['catalog'] : [];
  return { ...TOKEN, text: JSON.stringify({ token: { ...token, catalog: change(entries) } }) };
};

const HEAT = 'http://127.0.0.1:8004/v1/bf061bce01144cde819717704ae095af';

test.each<[string, unknown]>([
  ['with an invalid type', { type: null, name: null, id: '2', endpoints: [] }],
  [
    'with an invalid address',
    { type: 'metering', endpoints: [{ interface: 'public', region_id: 'RegionOne', url: null }] },
  ],
  ['without endpoints', { type: 'dns', id: '4' }],
  ['of the same service, with an invalid address', { type: 'orchestration', endpoints: [{ url: 1 }] }],
  [
    'of the same service, with an empty address',
    { type: 'orchestration', endpoints: [{ interface: 'public', region: 'RegionOne', url: '' }] },
  ],
  ['that is not an object', 'orchestration'],
  ['that is null', null],
])('ignores an entry of the catalogue %s', async (_, odd) => {
  const { keystone } = setUp(withCatalogue((entries) => [odd, ...entries, odd]));
  const session = await keystone.login(login, NEVER);
  expect(session.endpoint('orchestration')).toBe(HEAT);
});

test('accepts a templated catalogue, which names the region without its id', async () => {
  const url = 'http://127.0.0.1:8004/v1/p';
  const entry = (region: unknown) => ({
    type: 'orchestration',
    name: 'heat',
    id: '1',
    endpoints: [{ interface: 'public', url, ...Object(region) }],
  });
  const foundIn = async (region: unknown): Promise<string> => {
    const { keystone } = setUp(withCatalogue(() => [entry(region)]));
    return (await keystone.login(login, NEVER)).endpoint('orchestration');
  };
  expect(await foundIn({ region: 'RegionOne' })).toBe(url);
  expect(await foundIn({ region: 'RegionOne', region_id: null })).toBe(url);
  for (const region of [{ region: 'RegionOne', region_id: 'RegionTwo' }, { region: 'RegionTwo' }])
    expect(await faultIn(foundIn(region))).toEqual(NO_ENDPOINT);
});

test.each([null, {}, 'none', undefined])(
  'keeps the token of a catalogue that is %o, without endpoints',
  async (none) => {
    const { keystone } = setUp(withCatalogue(() => none));
    const session = await keystone.login(login, NEVER);
    expect(session.token).toBe('gAAAA-example');
    expect(faultOf(() => session.endpoint('orchestration'))).toEqual(NO_ENDPOINT);
  },
);

test('lists the roles of the token in the session', async () => {
  const { keystone } = setUp(TOKEN);
  expect((await keystone.login(login, NEVER)).roles).toEqual(['member', 'admin', 'reader']);
});

test('discards a token that a service rejects, and retries once', async () => {
  const { keystone, asked } = setUp(TOKEN, { ...TOKEN, headers: { 'x-subject-token': 'gAAAA-second' } });
  const used: string[] = [];
  const use = async (token: string): Promise<string> => {
    used.push(token);
    await Promise.resolve();
    if (used.length === 1) throw new AgentError('unauthorized', 'expired');
    return 'done';
  };
  expect(await keystone.authorized(login, NEVER, async ({ token }) => await use(token))).toBe('done');
  expect(used).toEqual(['gAAAA-example', 'gAAAA-second']);
  await keystone.login(login, NEVER);
  expect(asked).toHaveLength(2);
});

test('returns a second rejection, and any other error at once', async () => {
  for (const [code, uses] of [
    ['unauthorized', 2],
    ['cloud-refused', 1],
  ] as const) {
    const { keystone } = setUp(TOKEN);
    let used = 0;
    const use = async (): Promise<never> => {
      used += 1;
      return await Promise.reject(new AgentError(code, 'no'));
    };
    expect((await agentErrorOf(keystone.authorized(login, NEVER, use))).code).toBe(code);
    expect(used).toBe(uses);
  }
});

test('keeps the sessions in use, and forgets those of unused users', async () => {
  const { keystone, asked } = setUp(TOKEN);
  for (let deployment = 0; deployment < 200; deployment += 1) {
    await keystone.login({ ...login, userId: `deployment ${deployment}` }, NEVER);
    await keystone.login(login, NEVER);
  }
  expect(asked).toHaveLength(201);
  await keystone.login({ ...login, userId: 'deployment 0' }, NEVER);
  expect(asked).toHaveLength(202);
});

test.each([
  ['http://k:5000', 'http://k:5000/v3'],
  ['http://k:5000/', 'http://k:5000/v3'],
  ['http://k:5000/v3', 'http://k:5000/v3'],
  ['http://k:5000/v3//', 'http://k:5000/v3'],
  ['http://k:5000/v2.0', 'http://k:5000/v3'],
  ['https://k/identity/v2.0/', 'https://k/identity/v3'],
  ['https://k/identity', 'https://k/identity/v3'],
])('normalizes AUTH_URL %s to %s', (written, v3) => {
  expect(identityV3(written)).toBe(v3);
});

test('keeps a v3 address unchanged', () => {
  fc.assert(
    fc.property(fc.webUrl(), (url) => {
      expect(identityV3(identityV3(url))).toBe(identityV3(url));
    }),
  );
});
