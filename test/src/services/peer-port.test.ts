import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { askPeer } from '../../../src/services/peer-port.ts';
import { createClusterCa } from '../../cluster/authority.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const [served, former] = [createClusterCa('localhost'), createClusterCa('localhost')];
const SERVED = new X509Certificate(served.pem).publicKey;
const issue = (ca = served): { certificate: string; key: string } => {
  const { cert, key } = ca.issue([['CN', 'm0']]);
  return { certificate: cert, key };
};

const portOf = (address: string | AddressInfo | null): number =>
  typeof address === 'object' ? (address?.port ?? 0) : 0;

/** @param status the answer to a client whose certificate TLS accepts */
async function listen(options: { requires: boolean; status?: number; TLS?: '1.2' }): Promise<number> {
  const { certificate: cert, key } = issue();
  const version = options.TLS === '1.2' ? ({ maxVersion: 'TLSv1.2' } as const) : {};
  const server = createServer(
    { cert, key, ca: served.pem, requestCert: true, rejectUnauthorized: options.requires, ...version },
    (_, response) => response.writeHead(options.status ?? 200).end(),
  );
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return portOf(server.address());
}

/** Starts a server that requires a client certificate of the served CA. */
async function openssl(version: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'coe-peer-'));
  const { certificate, key } = issue();
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const files = [
    ['-cert', await write('server.crt', certificate)],
    ['-key', await write('server.key', key)],
    ['-CAfile', await write('ca.crt', served.pem)],
  ];
  const options = ['-accept', '127.0.0.1:0', '-Verify', '1', '-verify_return_error', '-www', version];
  const child = spawn('openssl', ['s_server', ...files.flat(), ...options], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  onTestFinished(async () => {
    child.kill();
    await rm(folder, { recursive: true });
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    const port = /ACCEPT 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`openssl s_server does not listen: ${said}`);
}

const ask = async (port: number, identity = issue(), abort = NEVER) =>
  await askPeer({ host: '127.0.0.1', port, path: '/members' }, identity, abort);

test.each(['1.2', undefined] as const)(
  'reads the presented certificate, and sees that the port accepts the client: TLS %s',
  async (TLS) => {
    const seen = await ask(await listen({ requires: true, ...(TLS && { TLS }) }));
    expect(seen?.accepts).toBe('yes');
    expect(seen?.presents.verify(SERVED)).toBe(true);
  },
);

// Like etcd, openssl s_server -Verify aborts the handshake.
test.each(['-tls1_2', '-tls1_3'])(
  'treats an alert about the certificate as a rejection: %s',
  async (version) => {
    const port = await openssl(version);
    expect(await ask(port, issue(former))).toMatchObject({ accepts: 'no' });
    expect((await ask(port, issue(former)))?.presents.verify(SERVED)).toBe(true);
  },
);

test('treats 401 as a rejection, and any other status as acceptance', async () => {
  expect(await ask(await listen({ requires: false, status: 401 }))).toMatchObject({ accepts: 'no' });
  expect(await ask(await listen({ requires: false, status: 403 }))).toMatchObject({ accepts: 'yes' });
});

test('draws no conclusion when the connection ends silently', async () => {
  // Node's servers destroy the connection of a client that they do not accept.
  expect(await ask(await listen({ requires: true }), issue(former))).toMatchObject({ accepts: 'unknown' });
});

test('finds nothing on a closed port, and on a port without TLS', async () => {
  const plain = createPlain((socket) => {
    socket.write('no TLS\r\n');
    socket.destroySoon();
  });
  await new Promise<void>((resolve) => {
    plain.listen(0, '127.0.0.1', resolve);
  });
  const port = portOf(plain.address());
  expect(await ask(port)).toBeUndefined();
  plain.close();
  expect(await ask(port)).toBeUndefined();
});

test('says nothing about a port when it is stopped', async () => {
  const port = await listen({ requires: true });
  expect(await agentErrorOf(ask(port, issue(), AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
});
