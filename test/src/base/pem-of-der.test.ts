import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { pemOfDer } from '../../../src/base/pem-of-der.ts';
import { createClusterCa } from '../../cluster/authority.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

test.each([
  ['PKCS #8', ec.privateKey, ec.privateKey.export({ type: 'pkcs8', format: 'der' })],
  ['PKCS #1', rsa.privateKey, rsa.privateKey.export({ type: 'pkcs1', format: 'der' })],
  ['SEC 1', ec.privateKey, ec.privateKey.export({ type: 'sec1', format: 'der' })],
])('reads a key in %s', (_, key, der) => {
  expect(createPrivateKey(pemOfDer(der) ?? '').equals(key)).toBe(true);
});

test('reads a certificate', () => {
  const { raw, fingerprint256 } = new X509Certificate(createClusterCa('k1').pem);
  expect(new X509Certificate(pemOfDer(raw) ?? '').fingerprint256).toBe(fingerprint256);
});

test.each([
  ['PEM', Buffer.from(createClusterCa('k1').pem)],
  ['another sequence of ASN.1', Buffer.from([0x30, 0x03, 0x02, 0x01, 0x05])],
  ['a public key', ec.publicKey.export({ type: 'spki', format: 'der' })],
  [
    'an encrypted key',
    ec.privateKey.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: 'x' }),
  ],
  ['nothing', Buffer.alloc(0)],
])('is undefined for %s', (_, content) => {
  expect(pemOfDer(content)).toBeUndefined();
});
