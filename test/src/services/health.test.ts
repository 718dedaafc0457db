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

test('accepts status 200', async () => {
  await expect(askHealth(await plain(200, 'ok'), undefined, NEVER)).resolves.toBeUndefined();
});

test("reports any other status as not ready, with the unit's words on one short line", async () => {
  const url = await plain(500, `not yet:\n\n  starting ${'x'.repeat(5000)}`);
  const error = await agentErrorOf(askHealth(url, undefined, NEVER));
  expect(error).toMatchObject({ code: 'not-yet', reason: 'unhealthy' });
  // In the unit's words, on one line.
  expect(error.message).toContain(' not yet: starting xxx');
  expect(error.message.length).toBeLessThan(400);
});

test('names the failed checks, however late they appear in the answer', async () => {
  const fine = Array.from({ length: 40 }, (_, index) => `[+]poststarthook/start-${index} ok\n`).join('');
  const url = await plain(
    500,
    `[+]ping ok\n${fine}[-]etcd failed: reason withheld\n${fine}[-]informer-sync failed\nreadyz check failed\n`,
  );
  const { message } = await agentErrorOf(askHealth(url, undefined, NEVER));
  expect(message.match(/\[.\]\S+/g)).toEqual(['[-]etcd', '[-]informer-sync']);
});

test('reports a closed port as not ready', async () => {
  expect(await agentErrorOf(askHealth('http://127.0.0.1:1/healthz', undefined, NEVER))).toMatchObject({
    code: 'not-yet',
  });
});

test('uses the client certificate over TLS, and accepts any server', async () => {
  const ca = await createCa();
  const [server, client] = await Promise.all([leafOf(ca), leafOf(ca)]);
  const { port } = await tlsServer(server, { requestCert: true, rejectUnauthorized: true, ca: ca.pem });
  const url = `https://127.0.0.1:${port}/health`;
  await expect(askHealth(url, client, NEVER)).resolves.toBeUndefined();
  expect((await agentErrorOf(askHealth(url, undefined, NEVER))).code).toBe('not-yet');
});

test('leaves a silent server on abort, and says nothing about it', async () => {
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
  expect((await agentErrorOf(askHealth(url, undefined, stop.signal))).code).toBe('aborted');
});
