import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { AgentError, codeOf, type ErrorCode, explain, reasonOf } from '../base/errors.ts';
import { keyUsageOf } from './der.ts';
import type { CaType } from './layout.ts';
import { canonicalName, namesOf, oneCertificate, subjectOf } from './read.ts';
import type { CertificateRequest } from './request.ts';
import { PURPOSE, usageBits } from './usage.ts';

/**
 * Verifies a certificate that Magnum returned: one for another key, of another CA or for other names would break a
 * service.
 *
 * @param now milliseconds since the epoch, from this node's clock
 * @throws `bad-answer` if it may predate a rotation or belong to another request, so that a retry may help;
 * `bad-certificate` if Magnum would return it again
 */
export function verifyIssued(
  pem: string,
  request: CertificateRequest,
  key: KeyObject,
  ca: X509Certificate,
  now: number,
): X509Certificate {
  const what = `the certificate ${request.name} that Magnum returned`;
  const certificate = answeredCertificate(pem, what);
  const wrong = (reason: string, why: string, code: ErrorCode = 'bad-certificate'): AgentError =>
    new AgentError(code, `${what} ${why}`, { reason });

  if (!certificate.publicKey.equals(createPublicKey(key)))
    throw wrong('other-key', 'is for another key', 'bad-answer');
  // Compares keys instead of names: every CA of the cluster, old or new, has the same subject.
  if (!certificate.verify(ca.publicKey))
    throw wrong('other-ca', `is not signed by the ${request.ca} CA that Magnum serves`, 'bad-answer');
  if (certificate.ca) throw wrong('is-ca', 'is a CA');

  const subject = request.subject.map((pair) => pair.join('=')).join(', ');
  if (subjectOf(certificate) !== subject)
    throw wrong('other-subject', `is for ${subjectOf(certificate)}, not ${subject}`);
  const names = request.names.map(canonicalName);
  if (!sameSet(names, namesOf(certificate)))
    throw wrong(
      'other-names',
      `names ${namesOf(certificate).join(', ') || 'nothing'}, not ${names.join(', ') || 'nothing'}`,
    );
  const purposes = request.extendedKeyUsage.map((usage) => PURPOSE[usage]);
  if (!sameSet(purposes, certificate.keyUsage ?? []))
    throw wrong('other-extended-key-usage', 'has another extended key usage than asked for');
  const fault = keyUsageFault(keyUsageOf(certificate.raw), usageBits(request.keyUsage));
  if (fault) throw wrong(...fault);
  verifyDates(certificate, what, now);
  return certificate;
}

/** Returns the fault of a key usage (RFC 5280 bits; undefined: no extension, so every usage is allowed). */
function keyUsageFault(found: number | undefined, asked: number): [reason: string, why: string] | undefined {
  if (asked !== 0)
    return found === asked ? undefined : ['other-key-usage', 'has another key usage than asked for'];
  if (found === undefined) return undefined;
  // If none was requested, the issuer may add one. It must allow TLS handshakes and must not allow signing
  // certificates.
  if ((found & DIGITAL_SIGNATURE) === 0)
    return ['no-digital-signature', 'has a key usage that does not allow digital signatures'];
  return (found & SIGNS_CERTIFICATES) === 0
    ? undefined
    : ['signs-certificates', 'has a key usage that lets it sign certificates'];
}

const DIGITAL_SIGNATURE = usageBits(['digitalSignature']);
const SIGNS_CERTIFICATES = 0x04;

/** Verifies the CA that Magnum serves: one certificate, a CA, self-signed, valid now. @throws as `verifyIssued` */
export function verifyAuthority(pem: string, type: CaType, now: number): X509Certificate {
  const what = `the ${type} CA that Magnum returned`;
  const certificate = answeredCertificate(pem, what);
  if (!certificate.ca)
    throw new AgentError('bad-certificate', `${what} is not a CA certificate`, { reason: 'not-a-ca' });
  if (!certificate.verify(certificate.publicKey))
    throw new AgentError('bad-certificate', `${what} is not signed by its own key`, {
      reason: 'not-self-signed',
    });
  verifyDates(certificate, what, now);
  return certificate;
}

/** Parses an answer; text that is not a certificate is a bad answer. */
function answeredCertificate(pem: string, what: string): X509Certificate {
  try {
    return oneCertificate(pem, what);
  } catch (cause) {
    if (codeOf(cause) !== 'bad-certificate') throw cause;
    throw new AgentError('bad-answer', explain(cause), { cause, reason: reasonOf(cause) });
  }
}

function verifyDates(certificate: X509Certificate, what: string, now: number): void {
  const from = certificate.validFromDate.getTime();
  const until = certificate.validToDate.getTime();
  const clock = `this node's clock says ${new Date(now).toISOString()}`;
  if (now < from)
    throw new AgentError(
      'bad-certificate',
      `${what} is not valid before ${certificate.validFromDate.toISOString()}, ${hours(from - now)} from now: ${clock}`,
      { reason: 'not-valid-yet' },
    );
  // A CA from before the rotation may have caused this, so a retry may help.
  if (now > until)
    throw new AgentError(
      'bad-answer',
      `${what} expired on ${certificate.validToDate.toISOString()}, ${hours(now - until)} ago: ${clock}`,
      { reason: 'expired' },
    );
}

const hours = (ms: number): string => `${(ms / 3_600_000).toFixed(1)} h`;

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  new Set(a).size === new Set(b).size && a.every((item) => b.includes(item));
