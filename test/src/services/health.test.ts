import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { askHealth } from '../../../src/services/health.ts';
import { NEVER } from '../support/clock.ts';
import { createCa } from '../support/openssl.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { leafOf, tlsServer } from '../support/tls-server.ts';

async function plain(status: number, text: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(text));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/healthz`;
}

test('200 is well', async () => {
  await expect(askHealth(await plain(200, 'ok'), undefined, NEVER)).resolves.toBeUndefined();
});

test('any other status is not yet, in the words of the unit, on one short line', async () => {
  const url = await plain(500, `not yet:\n\n  starting ${'x'.repeat(5000)}`);
  const error = await agentErrorOf(askHealth(url, undefined, NEVER));
  expect(error).toMatchObject({ code: 'not-yet', reason: 'unhealthy' });
  // In the words of the unit, on one line.
  expect(error.message).toContain(' not yet: starting xxx');
  expect(error.message.length).toBeLessThan(400);
});

test('names the checks that failed, however late they come in the answer', async () => {
  const fine = Array.from({ length: 40 }, (_, index) => `[+]poststarthook/start-${index} ok\n`).join('');
  const url = await plain(
    500,
    `[+]ping ok\n${fine}[-]etcd failed: reason withheld\n${fine}[-]informer-sync failed\nreadyz check failed\n`,
  );
  const { message } = await agentErrorOf(askHealth(url, undefined, NEVER));
  expect(message.match(/\[.\]\S+/g)).toEqual(['[-]etcd', '[-]informer-sync']);
});

test('nobody there is not yet', async () => {
  expect(await agentErrorOf(askHealth('http://127.0.0.1:1/healthz', undefined, NEVER))).toMatchObject({
    code: 'not-yet',
  });
});

test('over TLS it asks with the client certificate, and of any server', async () => {
  const ca = await createCa();
  const [server, client] = await Promise.all([leafOf(ca), leafOf(ca)]);
  const { port } = await tlsServer(server, { requestCert: true, rejectUnauthorized: true, ca: ca.pem });
  const url = `https://127.0.0.1:${port}/health`;
  await expect(askHealth(url, client, NEVER)).resolves.toBeUndefined();
  expect((await agentErrorOf(askHealth(url, undefined, NEVER))).code).toBe('not-yet');
});

test('a server that takes the request and never answers is given up with the deadline', async () => {
  const stop = new AbortController();
  const server = createServer(() => {
    stop.abort();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/healthz`;
  expect((await agentErrorOf(askHealth(url, undefined, stop.signal))).code).toBe('not-yet');
});
