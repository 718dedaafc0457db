import { certificatesIn, keyId } from './read.ts';

/**
 * Recognizes copies of the certificates in a text by their keys: the CAs of a cluster have the same name in
 * every generation, and a renewed leaf has the name of the old one. What cannot be read is nobody's copy.
 */
export function recognizer(pem: string): (candidate: string) => boolean {
  const keys = new Set(keysIn(pem));
  return (candidate) => keysIn(candidate).some((key) => keys.has(key));
}

function keysIn(pem: string): string[] {
  try {
    return certificatesIn(pem, 'a certificate').map(({ publicKey }) => keyId(publicKey));
  } catch {
    return [];
  }
}
