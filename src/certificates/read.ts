import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { AgentError } from '../base/errors.ts';
import { addressToNumber } from './template.ts';

const BLOCK =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

/** Every certificate of a PEM text, in its order. Text between the blocks is allowed (RFC 7468, 2). */
export function certificatesIn(pem: string, what: string): X509Certificate[] {
  return (pem.match(BLOCK) ?? []).map((block) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new AgentError('bad-certificate', `${what}: not a certificate`, { cause });
    }
  });
}

/** The one certificate of a PEM text. Several are an error: which of them would be meant? */
export function oneCertificate(pem: string, what: string): X509Certificate {
  const [certificate, ...others] = certificatesIn(pem, what);
  if (!certificate) throw new AgentError('bad-certificate', `${what}: there is no PEM certificate in it`);
  if (others.length > 0)
    throw new AgentError('bad-certificate', `${what}: ${others.length + 1} certificates where one belongs`);
  return certificate;
}

/** SHA-256 of the DER, in lower-case hex: how a certificate is named everywhere in this program. */
export const fingerprint = (certificate: X509Certificate): string =>
  createHash('sha256').update(certificate.raw).digest('hex');

/** A key by its value: two CAs of a cluster have the same name in every generation. */
export const keyId = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');

/** `CN=admin, O=system:masters`, attributes in the certificate's own order. */
export const subjectOf = (certificate: X509Certificate): string =>
  certificate.subject.replaceAll(/\\(.)/g, '$1').split('\n').join(', ');

/** Subject alternative names in one spelling each, so that two lists can be compared. */
export const namesOf = (certificate: X509Certificate): string[] =>
  (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((part) => part !== '')
    .map((part) => canonicalName(part.replace(/^(DNS|IP Address):/, '')));

export const canonicalName = (name: string): string =>
  isIP(name) === 6 ? `ip6:${addressToNumber(name).toString(16)}` : name;
