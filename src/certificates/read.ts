import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { AgentError } from '../base/errors.ts';
import { isCertificate, pemBlocksIn } from '../base/pem.ts';
import { addressToNumber } from './template.ts';

/** Parses every certificate of a PEM text, in order. */
export function certificatesIn(text: string, what: string): X509Certificate[] {
  return pemBlocksIn(text)
    .filter(isCertificate)
    .map(({ pem }) => {
      try {
        return new X509Certificate(pem);
      } catch (cause) {
        throw new AgentError('bad-certificate', `${what}: not a certificate`, {
          cause,
          reason: 'not-a-certificate',
        });
      }
    });
}

/** Parses the only certificate of a PEM text. Several are an error, because the intended one is unknown. */
export function oneCertificate(pem: string, what: string): X509Certificate {
  const [certificate, ...others] = certificatesIn(pem, what);
  if (!certificate) {
    const why = pem.trim() === '' ? 'it is empty' : 'there is no PEM certificate in it';
    throw new AgentError('bad-certificate', `${what}: ${why}`, { reason: 'no-certificate' });
  }
  if (others.length > 0)
    throw new AgentError('bad-certificate', `${what}: ${others.length + 1} certificates instead of one`, {
      reason: 'several-certificates',
    });
  return certificate;
}

/** Returns the SHA-256 of the DER in lower-case hex. This program identifies certificates by it. */
export const fingerprint = (certificate: X509Certificate): string =>
  createHash('sha256').update(certificate.raw).digest('hex');

/**
 * Finds the CA that signed a certificate, by key: all CAs of a cluster have one name, and their leaves do not name the
 * issuer's key.
 */
export const signerOf = (
  certificate: X509Certificate,
  cas: readonly X509Certificate[],
): X509Certificate | undefined => cas.find(({ publicKey }) => certificate.verify(publicKey));

/** Returns the serial number as lower-case hex without separators, the form used in this program. */
export const serialOf = (certificate: X509Certificate): string => certificate.serialNumber.toLowerCase();

/** Returns the kind of key in the form of `keys` in agent.yaml: `rsa-4096`, `ec-p256`, `ed25519`. */
export function keyTypeOf({ publicKey }: X509Certificate): string {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = publicKey;
  if (type !== 'ec') return details?.modulusLength === undefined ? type : `${type}-${details.modulusLength}`;
  return `ec-${CURVES[details?.namedCurve ?? ''] ?? details?.namedCurve ?? 'unknown'}`;
}

/** OpenSSL's names of curves -> NIST's names. */
const CURVES: Readonly<Record<string, string>> = { prime256v1: 'p256', secp384r1: 'p384', secp521r1: 'p521' };

/** Identifies a key by its value: the CAs of a cluster have the same name in every generation. */
export const keyId = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');

/** Formats the subject as `CN=admin, O=system:masters`, in the certificate's order. */
export const subjectOf = (certificate: X509Certificate): string =>
  certificate.subject.replaceAll(/\\(.)/g, '$1').split('\n').join(', ');

/** Returns the IP addresses among the subject alternative names. */
export const addressesOf = (certificate: X509Certificate): string[] =>
  (certificate.subjectAltName ?? '')
    .split(', ')
    .flatMap((part) => (part.startsWith('IP Address:') ? [part.slice('IP Address:'.length)] : []));

/** Returns the subject alternative names in a canonical form, so that lists can be compared. */
export const namesOf = (certificate: X509Certificate): string[] =>
  (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((part) => part !== '')
    .map((part) => canonicalName(part.replace(/^(DNS|IP Address):/, '')));

export const canonicalName = (name: string): string =>
  isIP(name) === 6 ? `ip6:${addressToNumber(name).toString(16)}` : name;
