import type { X509Certificate } from 'node:crypto';
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { TLSSocket } from 'node:tls';
import { type Credentials, isSignedByOneOf } from './credentials.ts';
import type { Target } from './description.ts';
import { AttemptFailed } from './outcome.ts';

export const TIMEOUT_MS = 10_000;

export type Call = {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** undefined: a connection of its own. */
  agent?: Agent;
  timeoutMs?: number;
};
export type Reply = { status: number; text: string };

/** Makes one kept-alive connection, which belongs to the files with which it was opened. */
export const keptConnection = (): Agent => new Agent({ keepAlive: true, maxSockets: 1 });

/** Sends a request with a client's present files, and throws on any failure. */
export async function send(target: Target, credentials: Credentials, call: Call): Promise<Reply> {
  const deadline = AbortSignal.timeout(call.timeoutMs ?? TIMEOUT_MS);
  try {
    const response = await open(target, credentials, call, deadline);
    return { status: response.statusCode ?? 0, text: await text(response) };
  } catch (error) {
    if (deadline.aborted) throw new AttemptFailed('time-out', `${call.method ?? 'GET'} ${call.path}`);
    throw error;
  }
}

/** Returns the head of an answer, whose end may be far away. */
export async function open(
  { host, port }: Target,
  credentials: Credentials,
  { method = 'GET', path, headers = {}, body, agent }: Call,
  abort: AbortSignal,
): Promise<IncomingMessage> {
  const { cert, key, authorities } = credentials;
  return await new Promise((resolve, reject) => {
    const sent = request(
      {
        host,
        port,
        path,
        method,
        signal: abort,
        agent: agent ?? false,
        // Verified by key below: OpenSSL tries only one of several CAs with the same subject.
        rejectUnauthorized: false,
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      },
      resolve,
    );
    sent.once('error', reject);
    sent.once('socket', (socket) => {
      if (sent.reusedSocket || !(socket instanceof TLSSocket) || !authorities) return;
      socket.once('secureConnect', () => {
        const why = whyUntrusted(socket, host, authorities);
        if (why !== undefined) sent.destroy(new AttemptFailed('server certificate', why));
      });
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function whyUntrusted(
  socket: TLSSocket,
  host: string,
  authorities: readonly X509Certificate[],
): string | undefined {
  const leaf = socket.getPeerX509Certificate();
  if (!leaf) return 'no certificate';
  if (!isSignedByOneOf(leaf, authorities)) return 'signed by another CA';
  const now = Date.now();
  if (now < leaf.validFromDate.getTime() || now > leaf.validToDate.getTime()) return 'not valid now';
  return leaf.checkIP(host) === undefined && leaf.checkHost(host) === undefined
    ? `not for ${host}`
    : undefined;
}
