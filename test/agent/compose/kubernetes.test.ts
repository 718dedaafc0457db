import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import { expect, onTestFinished, test } from 'vitest';
import { openKubernetesWith } from '../../../agent/compose/kubernetes.ts';
import { createSigner, type Signer, signLeaf } from '../../src/support/crl.ts';
import { NEVER } from '../../src/support/clock.ts';

const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
type Leaf = { cert: string; key: string };

/** An API server that asks for certificates of a CA. */
async function serve(server: Leaf, ca: Signer): Promise<number> {
  const listening = createServer(
    { ...server, ca: ca.pem, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      response.end(`${request.method} ${request.url}`);
    },
  );
  onTestFinished(() => {
    listening.closeAllConnections();
    listening.close();
  });
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve);
  });
  const address = listening.address();
  return typeof address === 'object' && address ? address.port : 0;
}

async function ask(port: number, ca: Signer, presents: Leaf, client: Leaf): Promise<string> {
  const { ask: askApi, close } = openKubernetesWith((http) => http)({
    host: '127.0.0.1',
    port,
    ca: ca.pem,
    presents: new X509Certificate(presents.cert).fingerprint256,
    client,
  });
  try {
    return (await askApi({ what: 'asking', method: 'GET', path: '/version', abort: NEVER })).text;
  } finally {
    close();
  }
}

test('only that very certificate, of that very CA, is asked anything; who asks shows one too', async () => {
  const [ca, other] = await Promise.all([createSigner(EC), createSigner(EC)]);
  const [server, neighbour, client, stranger] = await Promise.all([
    signLeaf(ca, 'A1'),
    signLeaf(ca, 'A2'),
    signLeaf(ca, 'A3'),
    signLeaf(other, 'A1'),
  ]);
  const port = await serve(server, ca);
  expect(await ask(port, ca, server, client)).toBe('GET /version');
  await expect(ask(port, ca, neighbour, client)).rejects.toThrow('presents another certificate');
  // Another CA of the same name.
  await expect(ask(port, other, server, client)).rejects.toMatchObject({ code: 'cloud-unreachable' });
  await expect(ask(port, ca, server, stranger)).rejects.toMatchObject({ code: 'cloud-unreachable' });
});
