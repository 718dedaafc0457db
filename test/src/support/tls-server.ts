import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import { generateKeyPairSync } from 'node:crypto';
import { createCsr } from '../../../src/certificates/csr.ts';
import type { TestCa } from './openssl.ts';
import { request } from './requests.ts';

export type Leaf = { certificate: string; key: string };

/** Issues a certificate of a CA with its key, in PEM. */
export async function leafOf(ca: TestCa): Promise<Leaf> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = await ca.sign(createCsr(request({ names: ['127.0.0.1', 'localhost'] }), privateKey));
  return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}

/** Starts a real TLS port that speaks HTTP. */
export async function tlsServer(
  leaf: Leaf,
  options: TlsOptions = {},
  listener: RequestListener = (_, response) => response.end('ok'),
): Promise<{ port: number; use(next: Leaf): void }> {
  const server = createServer({ ...options, cert: leaf.certificate, key: leaf.key }, listener);
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    use: (next) => {
      server.setSecureContext({ ...options, cert: next.certificate, key: next.key });
    },
  };
}
