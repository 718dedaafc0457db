import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Identity } from './description.ts';

/** What an identity's files hold now. */
export type Credentials = {
  /** undefined: whatever the server presents is taken. */
  authorities: readonly X509Certificate[] | undefined;
  /** Without them: nobody. */
  cert?: string;
  key?: string;
};

export const certificatesOf = (pem: string): X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map(
    (one) => new X509Certificate(one),
  );

/** @returns undefined until all of its files are there */
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
 * Whether one of the CAs has signed a leaf. All CAs of a cluster have the same subject, and OpenSSL tries one of them
 * alone: as Go does, this asks each key.
 */
export const isSignedByOneOf = (leaf: X509Certificate, authorities: readonly X509Certificate[]): boolean =>
  authorities.some((ca) => leaf.verify(ca.publicKey));
