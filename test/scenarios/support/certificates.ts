import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { parseAllDocuments } from 'yaml';
import type { Entry } from '../../crash/tree.ts';

/** Inspects certificates with node:crypto alone, independently of the program's own code. */

export type Files = ReadonlyMap<string, Entry>;

export const certificateAt = (files: Files, path: string): X509Certificate =>
  new X509Certificate(files.get(path)?.content ?? '');

export const keyFits = (files: Files, stem: string): boolean =>
  createPublicKey(createPrivateKey(files.get(`${stem}.key`)?.content ?? '')).equals(
    certificateAt(files, `${stem}.crt`).publicKey,
  );

export const isSignedBy = (certificate: X509Certificate, ca: string): boolean =>
  certificate.verify(new X509Certificate(ca).publicKey);

/** SHA-256 of the DER in hex. */
export const fingerprintOf = (pem: string): string =>
  createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');

/** `CN=admin, O=system:masters`, in the certificate's order. */
export const subjectOf = (certificate: X509Certificate): string =>
  certificate.subject.replaceAll('\\', '').split('\n').join(', ');

/** Alternative names as openssl prints them, sorted. */
export const namesOf = (certificate: X509Certificate): string[] =>
  (certificate.subjectAltName ?? '').split(', ').filter(Boolean).toSorted();

/** The content that user and cluster of a kubeconfig's first context embed, in PEM. */
export function embeddedIn(text: string): { ca: string; certificate: string; key: string } {
  const [document] = parseAllDocuments(text);
  const find = (...path: (string | number)[]): string => {
    const value: unknown = document?.getIn(path);
    return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : '';
  };
  return {
    ca: find('clusters', 0, 'cluster', 'certificate-authority-data'),
    certificate: find('users', 0, 'user', 'client-certificate-data'),
    key: find('users', 0, 'user', 'client-key-data'),
  };
}
