import { expect, test } from 'vitest';
import { KEY_ALGORITHMS, keyFromPem, keyToPem, makeKey } from '../../../src/certificates/key.ts';

const WANTED = {
  'rsa-4096': ['rsa', { modulusLength: 4096 }],
  'rsa-2048': ['rsa', { modulusLength: 2048 }],
  // RFC 5480 calls P-256 so.
  'ec-p256': ['ec', { namedCurve: 'prime256v1' }],
} as const;

test.each(KEY_ALGORITHMS)(
  'makes a new key of %s each time, and reads it again as written',
  async (algorithm) => {
    const [key, other] = await Promise.all([makeKey(algorithm), makeKey(algorithm)]);
    const [type, details] = WANTED[algorithm];
    expect(key.asymmetricKeyType).toBe(type);
    expect(key.asymmetricKeyDetails).toMatchObject(details);
    expect(key.equals(other)).toBe(false);
    const pem = keyToPem(key);
    expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(keyFromPem(pem).equals(key)).toBe(true);
  },
);
