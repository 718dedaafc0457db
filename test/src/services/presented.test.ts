import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { presentedCertificate } from '../../../src/services/presented.ts';
import { NEVER } from '../support/clock.ts';
import { createCa } from '../support/openssl.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { leafOf, tlsServer } from '../support/tls-server.ts';

const seen = async (port: number, abort = NEVER): Promise<string> =>
  (await presentedCertificate('127.0.0.1', port, abort)).fingerprint256;
const fingerprint = (pem: string): string => new X509Certificate(pem).fingerprint256;

test.each([
  ['TLSv1.3', {}],
  ['TLSv1.2', {}],
  ['TLSv1.3', { requestCert: true, rejectUnauthorized: true }],
  ['TLSv1.2', { requestCert: true, rejectUnauthorized: true }],
] as const)('reads the presented certificate with %s and %j', async (maxVersion, options) => {
  const ca = await createCa();
  const leaf = await leafOf(ca);
  const { port } = await tlsServer(leaf, { ...options, maxVersion, ca: ca.pem });
  expect(await seen(port)).toBe(fingerprint(leaf.certificate));
});

test('reads the certificate in use now, not the one at start', async () => {
  const ca = await createCa();
  const [old, fresh] = await Promise.all([leafOf(ca), leafOf(ca)]);
  const server = await tlsServer(old);
  expect(await seen(server.port)).toBe(fingerprint(old.certificate));
  server.use(fresh);
  expect(await seen(server.port)).toBe(fingerprint(fresh.certificate));
});

/** Opens a port that treats every connection like this. */
async function plainPort(reply: string | undefined): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (reply !== undefined) socket.end(reply);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

test('reports a port as not ready if it is closed, hangs up or does not use TLS', async () => {
  const closed = await plainPort('');
  for (const port of [1, closed, await plainPort('HTTP/1.0 400 Bad Request\r\n\r\n')]) {
    const error = await agentErrorOf(seen(port));
    expect(error).toMatchObject({ code: 'not-yet', kind: 'not-ready' });
    expect(error.message).toContain(`127.0.0.1:${port}`);
  }
});

test('leaves a silent port on abort, and says nothing about it', async () => {
  const controller = new AbortController();
  const waiting = agentErrorOf(seen(await plainPort(undefined), controller.signal));
  controller.abort();
  expect(await waiting).toMatchObject({ code: 'aborted' });
  expect(await agentErrorOf(seen(await plainPort(undefined), controller.signal))).toMatchObject({
    code: 'aborted',
  });
});
