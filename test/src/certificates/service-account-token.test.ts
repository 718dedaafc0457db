import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isTokenOf } from '../../../src/certificates/service-account-token.ts';

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** RFC 7518, section 3.1: the algorithm and hash for each kind of key. */
const KINDS = [
  ['RS256', 'sha256', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['ES256', 'sha256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['ES384', 'sha384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ['ES512', 'sha512', () => generateKeyPairSync('ec', { namedCurve: 'P-521' })],
] as const;

describe.each(KINDS)('%s', (alg, hash, generate) => {
  const { privateKey, publicKey } = generate();
  const text = `${part({ alg, kid: 'x' })}.${part({ sub: 'system:serviceaccount:default:default' })}`;
  const signature = sign(hash, Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const token = `${text}.${signature.toString('base64url')}`;
  const pem = publicKey.export({ type: 'spki', format: 'pem' });

  test('matches a token with its signing key, by either half', () => {
    expect(isTokenOf(token, pem)).toBe(true);
    expect(isTokenOf(token, privateKey.export({ type: 'pkcs8', format: 'pem' }))).toBe(true);
  });

  test('matches no other key, and nothing but a token', () => {
    const other = generate().publicKey.export({ type: 'spki', format: 'pem' });
    for (const text of ['', 'a.b', `${token}.x`, token.replace('.', 'x.'), 'not-a-token'])
      expect(isTokenOf(text, pem), text).toBe(false);
    expect(isTokenOf(token, other)).toBe(false);
  });
});
