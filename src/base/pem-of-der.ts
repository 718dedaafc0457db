import { createPrivateKey, X509Certificate } from 'node:crypto';

/** Converts a DER certificate or unencrypted private key to PEM; undefined for anything else. */
export function pemOfDer(content: Buffer): string | undefined {
  // A sequence starts with 0x30 (ITU-T X.690).
  if (content[0] !== 0x30) return undefined;
  for (const read of READERS)
    try {
      return read(content);
    } catch {
      // Try the next type.
    }
  return undefined;
}

const keyReader =
  (type: 'pkcs8' | 'pkcs1' | 'sec1') =>
  (key: Buffer): string =>
    createPrivateKey({ key, format: 'der', type }).export({ type: 'pkcs8', format: 'pem' });

const READERS: readonly ((content: Buffer) => string)[] = [
  (content) => new X509Certificate(content).toString(),
  keyReader('pkcs8'),
  keyReader('pkcs1'),
  keyReader('sec1'),
];
