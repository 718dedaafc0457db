import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { connect, createServer as createBalancer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openKubernetesWith } from '../../../agent/compose/kubernetes.ts';
import { createSigner, type Signer, signLeaf } from '../../src/support/crl.ts';
import { NEVER } from '../../src/support/clock.ts';

const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
type Leaf = { cert: string; key: string };

/** Starts an API server that requests certificates of a CA. */
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

/** Starts a load balancer that forwards each connection to the next server. */
async function balance(ports: readonly number[]): Promise<number> {
  let connections = 0;
  const balancer = createBalancer((socket) => {
    const behind = connect(ports[connections % ports.length] ?? 0, '127.0.0.1');
    connections += 1;
    socket.on('error', () => behind.destroy()).pipe(behind);
    behind.on('error', () => socket.destroy()).pipe(socket);
  });
  onTestFinished(() => void balancer.close());
  await once(balancer.listen(0, '127.0.0.1'), 'listening');
  const address = balancer.address();
  return typeof address === 'object' && address ? address.port : 0;
}

/** @param presents undefined: accepts any certificate for 127.0.0.1 */
async function ask(
  port: number,
  ca: string,
  presents: Leaf | undefined,
  client: Leaf,
  at = { host: '127.0.0.1', now: Date.now },
): Promise<string> {
  const { ask: askApi, close } = openKubernetesWith(
    (http) => http,
    at.now,
  )({
    host: at.host,
    port,
    ca,
    client,
    ...(presents && { presents: new X509Certificate(presents.cert).fingerprint256 }),
  });
  try {
    return (await askApi({ what: 'asking', method: 'GET', path: '/version', abort: NEVER })).text;
  } finally {
    close();
  }
}

test('asks only a server with the pinned certificate of the given CA, and presents a client certificate', async () => {
  const [ca, other] = await Promise.all([createSigner(EC), createSigner(EC)]);
  const [server, neighbour, client, stranger] = await Promise.all([
    signLeaf(ca, 'A1'),
    signLeaf(ca, 'A2'),
    signLeaf(ca, 'A3'),
    signLeaf(other, 'A1'),
  ]);
  const port = await serve(server, ca);
  expect(await ask(port, ca.pem, server, client)).toBe('GET /version');
  await expect(ask(port, ca.pem, neighbour, client)).rejects.toMatchObject({ reason: 'another' });
  // Another CA with the same name.
  await expect(ask(port, other.pem, server, client)).rejects.toMatchObject({ reason: 'ca-unknown' });
  await expect(ask(port, ca.pem, server, stranger)).rejects.toMatchObject({ code: 'cloud-unreachable' });
});

test('verifies each server behind a load balancer with the CA that signed its certificate', async () => {
  const [former, served] = await Promise.all([createSigner(EC), createSigner(EC)]);
  const [old, fresh, client] = await Promise.all([
    signLeaf(former, 'A1'),
    signLeaf(served, 'A2'),
    signLeaf(former, 'A3'),
  ]);
  const servers = [await serve(old, former), await serve(fresh, former)];
  const port = await balance(servers);
  const both = former.pem + served.pem;
  for (const _ of [1, 2, 3, 4]) expect(await ask(port, both, undefined, client)).toBe('GET /version');
  // The next server has the old certificate.
  expect(await ask(port, former.pem, undefined, client)).toBe('GET /version');
  await expect(ask(port, former.pem, undefined, client)).rejects.toMatchObject({ reason: 'ca-unknown' });
});

test('sends nothing to a server whose certificate has another name or is out of date', async () => {
  const ca = await createSigner(EC);
  const [server, client] = await Promise.all([signLeaf(ca, 'A1'), signLeaf(ca, 'A2')]);
  const port = await serve(server, ca);
  const at = { host: '127.0.0.1', now: Date.now };
  const elsewhere = { ...at, host: 'localhost' };
  const inFuture = { ...at, now: () => Date.now() + 10 * 86_400_000 };
  const refused = async (where: typeof at) => await ask(port, ca.pem, undefined, client, where);
  await expect(refused(elsewhere)).rejects.toMatchObject({ reason: 'other-name' });
  await expect(refused(inFuture)).rejects.toMatchObject({ reason: 'certificate-expired' });
});
