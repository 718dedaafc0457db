import { createPublicKey, verify } from 'node:crypto';

/**
 * Whether a service-account token (a JWT, RFC 7519) is signed with the given key pair: RS256, or ES256, ES384 and ES512
 * according to the key's curve (RFC 7518, section 3).
 *
 * @param publicKey PEM; a private key also works
 */
export function isTokenOf(token: string, publicKey: string): boolean {
  const [header = '', payload = '', signature = '', ...more] = token.split('.');
  if (signature === '' || more.length > 0) return false;
  const key = createPublicKey(publicKey);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const hash = type === 'ec' ? HASHES[details?.namedCurve ?? ''] : 'sha256';
  if (hash === undefined) return false;
  const signed = Buffer.from(`${header}.${payload}`);
  return verify(hash, signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
}

const HASHES: Readonly<Record<string, string>> = {
  prime256v1: 'sha256',
  secp384r1: 'sha384',
  secp521r1: 'sha512',
};
