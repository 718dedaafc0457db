import type { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { TLSSocket } from 'node:tls';
import { hostPort } from '../base/address.ts';
import { withDeadline } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import type { ClientIdentity } from './health.ts';

/** `path`: a path that every accepted client may read, and no other client. */
export type PeerPort = { host: string; port: number; path: string };

export type Handshake = {
  presents: X509Certificate;
  /** Whether it accepts the client certificate. `unknown`: it closed the connection without an alert. */
  accepts: 'yes' | 'no' | 'unknown';
};

const TRY_MS = 5000;

/**
 * Alerts about a certificate (RFC 8446, 6): bad, unsupported, revoked, expired, unknown, unknown CA, required. OpenSSL
 * sends `decrypt_error` (51) if its own CA has the same name as the client's, as all CAs of a cluster do.
 */
const REFUSALS = new Set([42, 43, 44, 45, 46, 48, 51, 116]);

/**
 * Asks a port of another node which certificate it presents, and whether it accepts a client certificate. Verifies
 * nothing: the caller compares keys. etcd aborts the handshake (RFC 8446, 6.2); kube-apiserver and kubelet answer 401,
 * even if they allow anonymous requests.
 *
 * @returns undefined if no certificate is presented there
 * @throws `aborted`, which says nothing about the port
 */
export async function askPeer(
  { host, port, path }: PeerPort,
  { certificate, key }: ClientIdentity,
  abort: AbortSignal,
): Promise<Handshake | undefined> {
  return await new Promise((resolve, reject) => {
    let presents: X509Certificate | undefined;
    const end = (accepts: Handshake['accepts']): void => {
      resolve(presents && { presents, accepts });
    };
    const asked = request({
      host,
      port,
      path,
      cert: certificate,
      key,
      agent: false,
      rejectUnauthorized: false,
      signal: withDeadline(abort, TRY_MS),
    });
    asked.once('socket', (socket) => {
      if (!(socket instanceof TLSSocket)) return;
      // A TLS 1.2 server may abort before the handshake is complete, but has already presented its certificate.
      socket.on('keylog', () => {
        presents ??= socket.getPeerX509Certificate();
      });
      socket.once('secureConnect', () => {
        presents ??= socket.getPeerX509Certificate();
      });
    });
    asked.once('error', (error) => {
      if (abort.aborted) {
        reject(new AgentError('aborted', `asking ${hostPort(host, port)}: stopped`, { cause: error }));
        return;
      }
      // OpenSSL's text alone has the number of the alert.
      end(REFUSALS.has(Number(/SSL alert number (\d+)/.exec(error.message)?.[1])) ? 'no' : 'unknown');
    });
    asked.once('response', (response) => {
      response.resume();
      end(response.statusCode === 401 ? 'no' : 'yes');
    });
    asked.end();
  });
}
