import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { AgentError } from '../base/errors.ts';
import { isCertificate, pemBlocksIn } from '../base/pem.ts';
import { addressToNumber } from './template.ts';

/** Every certificate of a PEM text, in its order. */
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

/** The one certificate of a PEM text. Several are an error: which of them would be meant? */
export function oneCertificate(pem: string, what: string): X509Certificate {
  const [certificate, ...others] = certificatesIn(pem, what);
  if (!certificate) {
    const why = pem.trim() === '' ? 'it is empty' : 'there is no PEM certificate in it';
    throw new AgentError('bad-certificate', `${what}: ${why}`, { reason: 'no-certificate' });
  }
  if (others.length > 0)
    throw new AgentError('bad-certificate', `${what}: ${others.length + 1} certificates where one belongs`, {
      reason: 'several-certificates',
    });
  return certificate;
}

/** SHA-256 of the DER, in lower-case hex: how a certificate is named everywhere in this program. */
export const fingerprint = (certificate: X509Certificate): string =>
  createHash('sha256').update(certificate.raw).digest('hex');

/**
 * The CA that has signed a certificate, by its key: all CAs of a cluster have one name, and their leaves name no key of
 * their issuer.
 */
export const signerOf = (
  certificate: X509Certificate,
  cas: readonly X509Certificate[],
): X509Certificate | undefined => cas.find(({ publicKey }) => certificate.verify(publicKey));

/** The serial number: whole, lower-case hex without a separator, as this program writes it everywhere. */
export const serialOf = (certificate: X509Certificate): string => certificate.serialNumber.toLowerCase();

/** The kind of key, as `keys` of agent.yaml names it: `rsa-4096`, `ec-p256`, `ed25519`. */
export function keyTypeOf({ publicKey }: X509Certificate): string {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = publicKey;
  if (type !== 'ec') return details?.modulusLength === undefined ? type : `${type}-${details.modulusLength}`;
  return `ec-${CURVES[details?.namedCurve ?? ''] ?? details?.namedCurve ?? 'unknown'}`;
}

/** OpenSSL's names of curves, in NIST's words. */
const CURVES: Readonly<Record<string, string>> = { prime256v1: 'p256', secp384r1: 'p384', secp521r1: 'p521' };

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
