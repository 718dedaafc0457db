import { X509Certificate } from 'node:crypto';
import { checkServerIdentity, connect } from 'node:tls';
import * as v from 'valibot';
import { parse } from 'yaml';
import type { TestNode } from '../../test/fakes/node.ts';

/** The certificates of one place of a node, by purpose. */
export type Place = {
  node: string;
  path: string;
  ca: X509Certificate;
  leaves: ReadonlyMap<string, X509Certificate>;
};

/** A client's certificate, its key, and the CA that it trusts: the content of a kubeconfig. */
export type Client = { cert: string; key: string; ca: string };

export async function readDirectory(
  node: TestNode,
  name: string,
  path: string,
  stems: readonly string[],
): Promise<Place> {
  const read = async (stem: string): Promise<X509Certificate> =>
    new X509Certificate(await node.read(`${path}/${stem}.crt`));
  const leaves = await Promise.all(stems.map(async (stem) => [stem, await read(stem)] as const));
  return { node: name, path, ca: await read('ca'), leaves: new Map(leaves) };
}

const base64 = v.pipe(
  v.string(),
  v.transform((text) => Buffer.from(text, 'base64').toString()),
);
const Kubeconfig = v.object({
  clusters: v.tuple([v.object({ cluster: v.object({ 'certificate-authority-data': base64 }) })]),
  users: v.tuple([
    v.object({ user: v.object({ 'client-certificate-data': base64, 'client-key-data': base64 }) }),
  ]),
});

/** Reads the content that a kubeconfig embeds. */
export async function readKubeconfig(
  node: TestNode,
  name: string,
  path: string,
): Promise<Place & { key: string }> {
  const { clusters, users } = v.parse(Kubeconfig, parse(await node.read(path)));
  const [{ cluster }] = clusters;
  const [{ user }] = users;
  return {
    node: name,
    path,
    ca: new X509Certificate(cluster['certificate-authority-data']),
    leaves: new Map([['server', new X509Certificate(user['client-certificate-data'])]]),
    key: user['client-key-data'],
  };
}

export async function readClient(node: TestNode, stem: string, caPath: string): Promise<Client> {
  const [cert, key, ca] = await Promise.all([
    node.read(`${stem}.crt`),
    node.read(`${stem}.key`),
    node.read(caPath),
  ]);
  return { cert, key, ca };
}

export type Knock = {
  /** Whether the service answered; with TLS 1.3, a handshake alone proves nothing. */
  served: boolean;
  /** Whether either side rejected the other; false if nothing answered at all. */
  refused: boolean;
  how: string;
  /** The certificate that the service presented. */
  server: X509Certificate | undefined;
};

/**
 * Sends a request to a service as a client, with mutual TLS, and returns the answer or the error.
 *
 * @param name the required name in its certificate
 */
export async function knock(port: number, client: Client, name = '127.0.0.1'): Promise<Knock> {
  return await new Promise((resolve) => {
    let protocol = '';
    let answer = '';
    let refusal: string | undefined;
    let nobody = false;
    let server: X509Certificate | undefined;
    const socket = connect({
      host: '127.0.0.1',
      port,
      ...client,
      timeout: 5000,
      checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    });
    socket.once('secureConnect', () => {
      protocol = socket.getProtocol() ?? '';
      server = socket.getPeerX509Certificate();
      socket.write('GET /readyz HTTP/1.1\r\nhost: kubernetes\r\nconnection: close\r\n\r\n');
    });
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.once('timeout', () => {
      nobody = true;
      socket.destroy(new Error('no answer within 5 s'));
    });
    socket.once('error', ({ message, code }: NodeJS.ErrnoException) => {
      nobody ||= code === 'ECONNREFUSED';
      refusal = code === undefined ? message : `${message} (${code})`;
    });
    socket.once('close', () => {
      const [status = ''] = answer.split('\r\n');
      const served = /^HTTP\/1.1 200 /.test(status);
      const how = answer === '' ? (refusal ?? HUNG_UP) : `${status} over ${protocol}`;
      resolve({ served, refused: !served && !nobody, how, server });
    });
  });
}

/** With TLS 1.3, a client completes the handshake before the server checks its certificate. */
const HUNG_UP = 'the server closed the connection';
