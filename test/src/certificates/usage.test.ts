import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { keyTypeOf, serialOf } from '../../../src/certificates/read.ts';
import { usagesOf } from '../../../src/certificates/usage.ts';
import { createSigner, signLeaf } from '../support/crl.ts';

const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'];

test('names the key usages and purposes that openssl put into a certificate', async () => {
  const ca = await createSigner(EC, 'digitalSignature,keyAgreement,keyCertSign,cRLSign');
  const usages = ['digitalSignature', 'keyAgreement', 'keyCertSign', 'cRLSign'];
  expect(usagesOf(new X509Certificate(ca.pem))).toEqual(usages);
  const leaf = new X509Certificate((await signLeaf(ca, '0A2B')).cert);
  expect(usagesOf(leaf)).toEqual(['clientAuth', 'serverAuth']);
  expect(serialOf(leaf)).toBe('0a2b');
});

test.each([
  [EC, 'ec-p384'],
  [['rsa:2048'], 'rsa-2048'],
  [['ed25519'], 'ed25519'],
])('identifies %j as a key of the type %s', async (newkey, type) => {
  expect(keyTypeOf(new X509Certificate((await createSigner(newkey)).pem))).toBe(type);
});
