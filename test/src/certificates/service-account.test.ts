import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import { checkServiceAccount } from '../../../src/certificates/service-account.ts';
import { thrownBy } from '../support/outcome-of.ts';

type Pair = { publicKey: string; privateKey: string };
const pemOf = ({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): Pair => ({
  publicKey: publicKey.export({ type: 'spki', format: 'pem' }),
  privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }),
});
const pair = (namedCurve = 'P-256'): Pair => pemOf(generateKeyPairSync('ec', { namedCurve }));
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

test.each([
  ['EC', pair()],
  ['P-521', pair('P-521')],
  ['RSA', pemOf(rsa)],
  [
    'RSA as Magnum sends it',
    { ...pemOf(rsa), privateKey: rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }) },
  ],
])('accepts a matching pair: %s', (_, given) => {
  expect(() => {
    checkServiceAccount(given);
  }).not.toThrow();
});

test.each([
  ['the halves of two pairs', { ...pair(), publicKey: pair().publicKey }, 'keys-no-pair'],
  ['a masked private key', { ...pair(), privateKey: '******' }, 'keys-masked'],
  ['a masked public key, of any length', { ...pair(), publicKey: ' *\n' }, 'keys-masked'],
  ['a public key alone', { ...pair(), privateKey: '' }, 'keys-half'],
  ['a private key alone', { ...pair(), publicKey: ' ' }, 'keys-half'],
  ['a private key in place of the public one', { ...pair(), publicKey: pair().privateKey }, 'keys-garbled'],
  ['several public keys', { ...pair(), publicKey: pair().publicKey.repeat(2) }, 'keys-garbled'],
  ['keys that sign no tokens', pemOf(generateKeyPairSync('ed25519')), 'keys-unusable'],
  ['keys on a curve without an algorithm', pair('secp256k1'), 'keys-unusable'],
  ['garbled keys', { publicKey: 'x', privateKey: 'y' }, 'keys-garbled'],
])('rejects %s, which would lock out every pod', (_, given, reason) => {
  const error = thrownBy(() => {
    checkServiceAccount(given);
  });
  expect(error).toMatchObject({ code: 'bad-deployment', reason });
  expect(error.message).not.toContain('PRIVATE');
});
