import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { checkServiceAccount } from '../../../src/certificates/service-account.ts';
import { thrownBy } from '../support/outcome-of.ts';

const pair = (): { publicKey: string; privateKey: string } =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

test('a pair that fits is accepted', () => {
  expect(() => {
    checkServiceAccount(pair());
  }).not.toThrow();
});

test.each([
  ['the halves of two pairs', { ...pair(), publicKey: pair().publicKey }, 'does not fit'],
  ['a masked private key', { ...pair(), privateKey: '******' }, 'masked'],
  ['garbled keys', { publicKey: 'x', privateKey: 'y' }, 'not PEM keys'],
  ['a private key in place of the public one', { ...pair(), publicKey: '' }, 'not PEM keys'],
])('%s would lock out every pod, and is refused', (_, given, words) => {
  const error = thrownBy(() => {
    checkServiceAccount(given);
  });
  expect(error.code).toBe('bad-deployment');
  expect(error.message).toContain(words);
  expect(error.message).not.toContain('PRIVATE');
});
