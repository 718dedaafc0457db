import * as fc from 'fast-check';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { LARGEST_ANSWER, LARGEST_ERROR } from '../../../src/openstack/answer-body.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { explain } from '../../../src/base/errors.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { createHttp, type HttpOptions } from '../../../src/openstack/http.ts';
import { createHeat } from '../../../src/openstack/heat.ts';
import { createKeystone } from '../../../src/openstack/keystone.ts';
import { createMagnum } from '../../../src/openstack/magnum.ts';
import { createSwift } from '../../../src/openstack/swift.ts';
import { createZaqar } from '../../../src/openstack/zaqar.ts';
import { said, statusError } from '../../../src/openstack/status.ts';
import { NEVER } from '../support/clock.ts';
import { createCa } from '../support/openssl.ts';
import { agentErrorOf, faultIn } from '../support/outcome-of.ts';
import { leafOf, tlsServer } from '../support/tls-server.ts';

const OPTIONS: HttpOptions = {
  deadlineMs: 5000,
  ca: () => undefined,
  verify: true,
  proxy: { http: undefined, https: undefined, no: undefined },
};

function client(over: Partial<HttpOptions> = {}): ReturnType<typeof createHttp> {
  const http = createHttp({ ...OPTIONS, ...over });
  onTestFinished(() => {
    http.close();
  });
  return http;
}

const serve = async (answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> =>
  await listening(createServer(answer));

/** Starts a server until the test ends, and returns its address. */
async function listening(server: Server, host = '127.0.0.1'): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const get = (url: string, abort = NEVER) => ({ what: 'asking', method: 'GET', url, abort }) as const;

test('accepts any status as an answer, with header names in lower case', async () => {
  const url = await serve((request, response) => {
    response
      .writeHead(418, { 'X-Subject-Token': 'abc', 'Set-Cookie': ['a', 'b'] })
      .end(`${request.method} ${String(request.headers['x-y'])}`);
  });
  const answer = await client()({ ...get(url), method: 'POST', headers: { 'X-Y': 'z' }, body: 'body' });
  expect(answer).toMatchObject({
    status: 418,
    text: 'POST z',
    headers: { 'x-subject-token': 'abc', 'set-cookie': 'a, b' },
  });
});

test('reports the date of the cloud', async () => {
  const dates: string[] = [];
  const url = await serve((_, response) => response.end());
  await client({ onDate: (date) => dates.push(date) })(get(url));
  expect(Math.abs(Date.parse(dates[0] ?? '') - Date.now())).toBeLessThan(5000);
});

test('reports a missing answer as unreachable, with the cause', async () => {
  expect(await agentErrorOf(client()(get('http://127.0.0.1:1/')))).toMatchObject({
    code: 'cloud-unreachable',
    cause: { code: 'ECONNREFUSED' },
  });
  const silent = await serve(() => undefined);
  expect(await faultIn(client({ deadlineMs: 50 })(get(silent)))).toEqual({
    code: 'cloud-unreachable',
    reason: 'no-answer',
  });
  const cut = await serve((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half', () => response.destroy());
  });
  expect(await agentErrorOf(client()(get(cut)))).toMatchObject({ code: 'cloud-unreachable' });
});

test('reports an abort as aborted', async () => {
  const controller = new AbortController();
  const url = await serve(() => {
    controller.abort();
  });
  expect(await agentErrorOf(client()(get(url, controller.signal)))).toMatchObject({ code: 'aborted' });
});

test.each([1, 2, 100_000])('rejects an answer of %i bytes that breaks off in the middle', async (bytes) => {
  const url = await serve((_, response) => {
    response.end('x'.repeat(bytes));
  });
  const controller = new AbortController();
  // The head of the answer has arrived; its body is read next.
  const http = client({
    onDate: () => {
      controller.abort();
    },
  });
  expect(await agentErrorOf(http(get(url, controller.signal)))).toMatchObject({ code: 'aborted' });
});

test('stops reading an endless answer', async () => {
  let sent = 0;
  const url = await serve((_, response) => {
    const chunk = Buffer.alloc(1024 * 1024);
    const more = (error?: Error | null): void => {
      if (error || response.destroyed) return;
      sent += chunk.length;
      response.write(chunk, more);
    };
    more();
  });
  const error = await agentErrorOf(client()(get(url)));
  expect(error).toMatchObject({ code: 'too-large', reason: 'answer-too-large' });
  expect(sent).toBeLessThan(3 * LARGEST_ANSWER);
});

test('trusts the given CA for the cloud, unless verification is off', async () => {
  const [ca, other] = await Promise.all([createCa('cloud'), createCa('cloud')]);
  const { port } = await tlsServer(await leafOf(ca));
  const url = `https://127.0.0.1:${port}/`;
  expect((await client({ ca: () => ca.pem })(get(url))).status).toBe(200);
  expect((await client({ verify: false })(get(url))).status).toBe(200);
  for (const http of [client(), client({ ca: () => other.pem })])
    expect(await faultIn(http(get(url)))).toEqual({ code: 'cloud-unreachable', reason: 'ca-unknown' });
});

test("reports a port without TLS once, without OpenSSL's source file", async () => {
  const url = (await serve((_, response) => response.end('ok'))).replace('http:', 'https:');
  const error = await agentErrorOf(client()(get(url)));
  expect(error).toMatchObject({ code: 'cloud-unreachable', reason: 'no-tls' });
  expect(explain(error)).toBe(error.message);
});

test('decompresses an answer up to its size limit', async () => {
  const url = await serve((request, response) => {
    const size = request.url === '/bomb' ? LARGEST_ANSWER + 1 : 1000;
    const body = request.url === '/junk' ? Buffer.from('junk') : gzipSync(Buffer.alloc(size, 'a'));
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(request.method === 'HEAD' ? undefined : body);
  });
  expect((await client()(get(url))).text).toBe('a'.repeat(1000));
  expect((await client()({ ...get(url), method: 'HEAD' })).text).toBe('');
  expect(await faultIn(client()(get(`${url}/bomb`)))).toEqual({
    code: 'too-large',
    reason: 'answer-too-large',
  });
  expect(await faultIn(client()(get(`${url}/junk`)))).toEqual({ code: 'bad-answer', reason: 'not-gzip' });
});

test.each(['', 'gzip'])(
  'reads only as much of an error as a person needs, however it is compressed (%s)',
  async (encoding) => {
    let sent = 0;
    const url = await serve((_, response) => {
      response.writeHead(503, { 'content-encoding': encoding });
      // As much after the first large part as a connection buffers.
      const page = Buffer.from(`so sorry ${'<'.repeat(1024 * 1024)}`);
      const chunk = encoding === 'gzip' ? gzipSync(page) : page;
      const more = (error?: Error | null): void => {
        if (error || response.destroyed) return;
        sent += chunk.length;
        response.write(chunk, more);
      };
      more();
    });
    const { status, text } = await client()(get(url));
    expect(status).toBe(503);
    expect(text).toMatch(/^so sorry </);
    expect(text).toHaveLength(LARGEST_ERROR);
    expect(sent).toBeLessThan(LARGEST_ANSWER);
  },
);

test('keeps the status of an error whose body cannot be decompressed', async () => {
  const url = await serve((_, response) => {
    response.writeHead(503, { 'content-encoding': 'gzip' }).end('junk');
  });
  expect((await client()(get(url))).status).toBe(503);
});

test('accepts headers of 64 KB, and does not retry for larger ones', async () => {
  const url = await serve((request, response) => {
    response.writeHead(201, { 'x-subject-token': 'x'.repeat(Number(request.url?.slice(1))) }).end();
  });
  const { headers } = await client()(get(`${url}/65536`));
  expect(headers['x-subject-token']).toHaveLength(65_536);
  expect(await faultIn(client()(get(`${url}/200000`)))).toEqual({
    code: 'too-large',
    reason: 'headers-too-large',
  });
});

test('rejects a token with a line break at once, without showing it', async () => {
  const url = await serve((_, response) => response.end());
  const error = await agentErrorOf(client()({ ...get(url), headers: { 'x-auth-token': 'gAAAA\nB' } }));
  expect(error).toMatchObject({ code: 'cloud-refused', reason: 'invalid-header' });
  expect(explain(error)).not.toContain('gAAAA');
});

test('follows a redirect within the same deadline', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/there') response.end('there');
    else response.writeHead(307, { location: '/there' }).end();
  });
  expect((await client()(get(url))).text).toBe('there');
});

test.each([301, 302, 303, 307, 308])(
  'sends no credentials to the origin that a %i redirects to',
  async (status) => {
    const seen: string[] = [];
    const elsewhere = await serve((request, response) => {
      seen.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
      response.writeHead(201, { 'x-subject-token': 'forged' }).end('{"token":{"expires_at":"2099-01-01"}}');
    });
    const url = await serve((request, response) => {
      response.writeHead(status, { location: `${elsewhere}${request.url}` }).end();
    });
    const http = client();
    const session = { token: 'our token', endpoint: () => url, roles: [] };
    const queue = { queueId: 'q', projectId: 'p', userId: 'u' };
    const [heat, zaqar] = [createHeat(http), createZaqar(http)];
    const keystone = createKeystone({ http, clock: systemClock, secrets: createSecrets() });
    const login = { authUrl: url, userId: 'u', password: 'p', scope: { trustId: 't' }, region: undefined };
    const stack = { stackId: 's/1', resourceName: 'r' };
    for (const asked of [
      keystone.login(login, NEVER),
      heat.readMetadata(session, stack, NEVER),
      heat.signalResource(session, stack, '{}', NEVER),
      heat.signalAddress(`${url}/v1/signal`, 'POST', '{}', NEVER),
      heat.signalAddress(`${url}/v1/signal`, 'PUT', '{}', NEVER),
      createSwift(http).put(`${url}/v1/object`, '{}', NEVER),
      createSwift(http).changedAt(`${url}/v1/object`, NEVER),
      zaqar.claim(session, queue, NEVER),
      zaqar.list(session, queue, NEVER),
      zaqar.has(session, queue, 'm', NEVER),
      zaqar.post(session, queue, '{}', 600, NEVER),
      zaqar.remove(session, queue, { ids: ['m'] }, NEVER),
      createMagnum(http).readCa({ magnumUrl: url, clusterUuid: 'c', token: 'our token' }, 'etcd', NEVER),
    ])
      expect((await agentErrorOf(asked)).code).toBe('bad-answer');
    expect(seen).toEqual([]);
  },
);

test('uses the proxies for plain text and TLS, except for excluded hosts', async () => {
  const ca = await createCa('cloud');
  const { port } = await tlsServer(await leafOf(ca));
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization']}`);
    response.end('by proxy');
  });
  proxy.on('connect', (request, socket: Socket, head) => {
    seen.push(`${request.method} ${request.url}`);
    const upstream = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [upstream, socket]) end.on('error', () => undefined);
  });
  const by = (await listening(proxy)).replace('//', '//user:pass@');
  const direct = await serve((_, response) => response.end('direct'));
  const http = client({ ca: () => ca.pem, proxy: { http: by, https: by, no: 'localhost,::1/128' } });
  const alone = createServer((_, response) => response.end('direct'));

  expect((await http(get('http://cloud.example:5000/v3'))).text).toBe('by proxy');
  expect((await http(get(`https://127.0.0.1:${port}/`))).text).toBe('ok');
  expect((await http(get(direct.replace('127.0.0.1', 'localhost')))).text).toBe('direct');
  expect((await http(get(await listening(alone, '::1')))).text).toBe('direct');
  expect(seen).toEqual([
    `GET http://cloud.example:5000/v3 Basic ${Buffer.from('user:pass').toString('base64')}`,
    `CONNECT 127.0.0.1:${port}`,
  ]);
});

test('rejects an answer that is not UTF-8, unless it is only shown to a person', async () => {
  const url = await serve((request, response) => {
    response.writeHead(request.url === '/refusal' ? 503 : 200).end(Buffer.from('a\xffb', 'latin1'));
  });
  const error = await agentErrorOf(client()(get(url)));
  expect(error).toMatchObject({ code: 'bad-answer', reason: 'not-utf-8' });
  expect(await client()(get(`${url}/refusal`))).toMatchObject({ status: 503, text: 'a\ufffdb' });
  expect(await client()({ ...get(url), method: 'POST' })).toMatchObject({ status: 200 });
});

test('connects to an IPv6 address', async () => {
  const server = createServer((request, response) => response.end(request.headers.host));
  const url = await listening(server, '::1');
  expect((await client()(get(url))).text).toBe(new URL(url).host);
});

test('rejects an address that is not http before it sends anything', async () => {
  for (const url of ['file:///etc/passwd', 'nonsense'])
    expect(await faultIn(client()(get(url)))).toEqual({ code: 'cloud-refused', reason: 'no-http-address' });
});

test.each([
  ['{"error":{"code":401,"message":"no such user","title":"Unauthorized"}}', 'no such user'],
  ['{"errors":[{"status":400,"title":"t","detail":"the detail"}]}', 'the detail'],
  ['{"errors":[{"status":400,"title":"only a title"}]}', 'only a title'],
  ['<html><body><h1>503 Service\n Unavailable</h1></body></html>', '503 Service Unavailable'],
  ['{"error":{"message":"the message","detail":{"of":"another service"}}}', 'the message'],
  ['plain words', 'plain words'],
  ['', ''],
])("extracts a service's own words: %s", (text, words) => {
  expect(said({ status: 400, headers: {}, text })).toBe(words);
});

test('extracts words from any answer, on one line and limited in length', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), fc.json()),
      fc.integer({ min: 100, max: 599 }),
      (text, status) => {
        const answer = { status, headers: {}, text };
        expect(said(answer)).toMatch(/^[^\n\r]{0,300}$/);
        expect(statusError('asking', answer).message).toContain(`asking: ${status}`);
      },
    ),
  );
});

test.each([
  [204, 'bad-answer'],
  [301, 'bad-answer'],
  [400, 'cloud-refused'],
  [401, 'unauthorized'],
  [408, 'cloud-unreachable'],
  [409, 'cloud-refused'],
  [425, 'cloud-unreachable'],
  [429, 'cloud-unreachable'],
  [431, 'cloud-refused'],
  [500, 'cloud-unreachable'],
])('maps the unexpected status %i to %s', (status, code) => {
  expect(statusError('asking', { status, headers: {}, text: '' }).code).toBe(code);
});

test('drops the last word of a cut error, which may be half a token', () => {
  const text = `token ${' '.repeat(LARGEST_ERROR)} gAAAA`.slice(0, LARGEST_ERROR - 4) + 'gAAA';
  expect(said({ status: 500, headers: {}, text })).toBe('token ...');
});

const DATE = 'Wed, 21 Oct 2026 07:28:00 GMT';

test.each([
  ['5', 5000],
  ['86400', 300_000],
  ['Wed, 21 Oct 2026 07:28:07 GMT', 7000],
  ['Wed, 21 Oct 2026 09:28:00 GMT', 300_000],
  ['Wed, 21 Oct 2026 07:27:00 GMT', 0],
  ['soon', 0],
  ['-3', 0],
  ['', 0],
])('reads Retry-After %j as %i ms', (header, ms) => {
  const headers = { 'retry-after': header, date: DATE };
  expect(statusError('x', { status: 503, headers, text: '' }).retryAfterMs).toBe(ms);
});

test("ignores a Retry-After date without the sender's own date", () => {
  const headers = { 'retry-after': DATE };
  expect(statusError('x', { status: 503, headers, text: '' }).retryAfterMs).toBe(0);
});
