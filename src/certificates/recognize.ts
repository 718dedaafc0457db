import { createPublicKey } from 'node:crypto';
import type { CaType } from './layout.ts';
import { certificatesIn, keyId } from './read.ts';

/** The node's present certificates, PEM. A text per file; several files may contain the same. */
export type CurrentCertificates = {
  authorities: readonly (readonly [CaType, string])[];
  certificates: readonly (readonly [string, string])[];
};

/** The original of a PEM: a CA of the node, or a certificate of its layout. */
export type Recognized = { ca: CaType; name?: never } | { name: string; ca?: never };

/**
 * Recognizes copies of the node's present CAs and certificates, and of their keys. Compares keys, because the CAs of a
 * cluster have the same name in every generation, and so do renewed leaves. Unreadable text is not recognized. Of
 * several certificates, the first one counts.
 */
export function recognizer({
  authorities,
  certificates,
}: CurrentCertificates): (pem: string) => Recognized | undefined {
  const known = new Map<string, Recognized>();
  for (const [ca, pem] of authorities) for (const key of keysIn(pem)) known.set(key, { ca });
  for (const [name, pem] of certificates) {
    const [key] = keysIn(pem);
    if (key !== undefined && !known.has(key)) known.set(key, { name });
  }
  return (pem) => {
    const [key] = pem.includes('PRIVATE KEY-----') ? privateKeyIn(pem) : keysIn(pem);
    return key === undefined ? undefined : known.get(key);
  };
}

function keysIn(pem: string): string[] {
  try {
    return certificatesIn(pem, 'a certificate').map(({ publicKey }) => keyId(publicKey));
  } catch {
    return [];
  }
}

function privateKeyIn(pem: string): string[] {
  try {
    return [keyId(createPublicKey(pem))];
  } catch {
    return [];
  }
}
