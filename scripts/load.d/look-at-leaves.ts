import type { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:tls';
import { certificatesOf, isSignedByOneOf } from './credentials.ts';
import { type Description, portsOf } from './description.ts';
import { failureOf } from './outcome.ts';
import { type Look, LOOK_MS } from './look.ts';

/** Looks at the leaf that each port presents, and its CA. */
export const lookAtLeaves: Look = async ({ nodes, authorities }) =>
  await Promise.all(
    nodes.flatMap((node) =>
      portsOf(node).map(
        async ([component, port]) =>
          [`leaf of ${component} on ${node.name}`, await leafAt(node.address, port, authorities)] as const,
      ),
    ),
  );

async function leafAt(host: string, port: number, authorities: Description['authorities']): Promise<string> {
  const leaf = await presented(host, port).catch((error: unknown) => failureOf(error).why);
  if (typeof leaf === 'string') return leaf;
  const print = leaf.fingerprint256.replaceAll(':', '').slice(0, 12).toLowerCase();
  for (const [name, path] of Object.entries(authorities)) {
    const pem = await readFile(path, 'utf8').catch(() => '');
    if (isSignedByOneOf(leaf, certificatesOf(pem))) return `${print} of ${name}`;
  }
  return print;
}

/** Returns the leaf that a port presents. */
export const presented = async (host: string, port: number): Promise<X509Certificate> =>
  await new Promise((resolve, reject) => {
    // Nothing is sent, so any certificate is accepted here.
    const socket = connect({ host, port, rejectUnauthorized: false, timeout: LOOK_MS }, () => {
      const leaf = socket.getPeerX509Certificate();
      socket.destroy();
      if (leaf) resolve(leaf);
      else reject(new Error('no certificate'));
    });
    socket.once('error', reject).once('timeout', () => socket.destroy(new Error('time-out')));
  });
