import { createPublicKey } from 'node:crypto';
import type { CaType } from './layout.ts';
import { certificatesIn, keyId } from './read.ts';

/** What a node has now, PEM: several texts where several files hold the same. */
export type CurrentCertificates = {
  authorities: readonly (readonly [CaType, string])[];
  certificates: readonly (readonly [string, string])[];
};

/** What a PEM is a copy of: a CA of the node, or a certificate of its layout. */
export type Recognized = { ca: CaType; name?: never } | { name: string; ca?: never };

/**
 * Recognizes copies of the CAs and certificates that a node has now, and of their keys, by the key: the CAs of a
 * cluster have the same name in every generation, and a renewed leaf has the name of the old one. What cannot be read
 * is nobody's copy. Of several certificates the first one says what it is.
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
