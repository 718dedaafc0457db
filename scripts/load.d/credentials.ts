import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Identity } from './description.ts';

/** The present content of an identity's files. */
export type Credentials = {
  /** undefined: any server certificate is accepted. */
  authorities: readonly X509Certificate[] | undefined;
  /** Without them the client is anonymous. */
  cert?: string;
  key?: string;
};

export const certificatesOf = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map(
    (one) => new X509Certificate(one),
  );

/** @returns undefined until all of its files exist */
export async function readCredentials({ ca, cert, key }: Identity): Promise<Credentials | undefined> {
  try {
    const [trusted, own, secret] = await Promise.all(
      [ca, cert, key].map(async (path) => await readFile(path, 'utf8')),
    );
    if (trusted === undefined || own === undefined || secret === undefined) return undefined;
    return { cert: own, key: secret, authorities: certificatesOf(trusted) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Whether one of the CAs has signed a leaf. All CAs of a cluster have the same subject, and OpenSSL tries only one of
 * them; like Go, this tries each key.
 */
export const isSignedByOneOf = (leaf: X509Certificate, authorities: readonly X509Certificate[]): boolean =>
  authorities.some((ca) => leaf.verify(ca.publicKey));
