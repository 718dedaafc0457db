import type { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { withDeadline } from '../base/clock.ts';
import { hostPort } from '../base/address.ts';
import { AgentError, reasonOf } from '../base/errors.ts';
import { plainWords } from '../base/plain-words.ts';

/** Limit of one attempt; the proof as a whole has the unit's deadline. */
const TRY_MS = 5000;

/**
 * Returns the certificate that a TLS port presents now.
 *
 * @throws `not-yet` if the port does not answer; `aborted`, which says nothing about the port
 */
export async function presentedCertificate(
  host: string,
  port: number,
  abort: AbortSignal,
): Promise<X509Certificate> {
  const where = hostPort(host, port);
  return await new Promise((resolve, reject) => {
    // The presented certificate is the result, so it is not verified here. The caller compares its fingerprint, which
    // is stricter than any chain.
    const socket = connect({ host, port, rejectUnauthorized: false });
    const limit = withDeadline(abort, TRY_MS);
    const stop = (): void => {
      socket.destroy(new AgentError('not-yet', 'no TLS handshake in time', { reason: 'handshake-timeout' }));
    };
    limit.addEventListener('abort', stop, { once: true });
    if (limit.aborted) stop();
    // A TLS 1.2 server that requires a client certificate (Magnum's etcd 3.4) aborts before the handshake is complete.
    // By then it has presented its own certificate: keys are agreed upon afterwards.
    let early: X509Certificate | undefined;
    socket.on('keylog', () => {
      early ??= socket.getPeerX509Certificate();
    });
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      socket.end();
      if (certificate) resolve(certificate);
      else reject(new AgentError('proof', `${where} presents no certificate`));
    });
    // More than one error can occur, and an error without a listener would end the program.
    socket.on('error', (cause) => {
      if (early) resolve(early);
      else
        reject(
          abort.aborted
            ? new AgentError('aborted', `asking ${where} for its certificate: stopped`, { cause })
            : new AgentError('not-yet', `${where} does not answer: ${plainWords(cause)}`, {
                cause,
                reason: reasonOf(cause),
              }),
        );
    });
    socket.once('close', () => {
      limit.removeEventListener('abort', stop);
      reject(new AgentError('not-yet', `${where} closed the connection`));
    });
  });
}
