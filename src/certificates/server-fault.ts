import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { AgentError } from '../base/errors.ts';
import { signerOf } from './read.ts';
import { PURPOSE } from './usage.ts';

/** The expected identity of a server. */
export type ServerWanted = {
  /** CAs that may have signed its certificate. */
  trusted: readonly X509Certificate[];
  /** SHA-256 (as `fingerprint256`) of the only certificate accepted; undefined: any certificate that names the host. */
  presents?: string | undefined;
};

/**
 * Checks the certificate that a server presents. Finds its CA by key: the CAs of a cluster have one name, and OpenSSL
 * tries only the first CA of that name. Behind a load balancer, each connection may reach a server with a certificate
 * of another CA, so each connection is checked separately.
 *
 * @param now milliseconds since the epoch
 * @returns a `not-yet` error, because the server may soon present another certificate; undefined if it is right
 */
export function serverFault(
  leaf: X509Certificate,
  host: string,
  { trusted, presents }: ServerWanted,
  now: number,
): AgentError | undefined {
  const fault = (reason: string, why: string): AgentError =>
    new AgentError('not-yet', `${host} presents ${why}`, { reason });
  const isValid = (one: X509Certificate): boolean =>
    now >= one.validFromDate.getTime() && now <= one.validToDate.getTime();
  const signer = signerOf(
    leaf,
    trusted.filter(({ ca }) => ca),
  );
  if (!signer) return fault('ca-unknown', 'a certificate of an untrusted CA');
  if (!isValid(leaf) || !isValid(signer))
    return fault('certificate-expired', 'a certificate that is not valid now');
  if (leaf.keyUsage && !leaf.keyUsage.includes(PURPOSE.serverAuth))
    return fault('no-server', 'a certificate without the usage serverAuth');
  if (presents !== undefined)
    return leaf.fingerprint256 === presents ? undefined : fault('another', 'another certificate');
  const names = isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host);
  return names === undefined ? fault('other-name', 'a certificate for another name') : undefined;
}
