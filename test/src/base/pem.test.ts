import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isCertificate, isPrivateKey, pemBlocksIn } from '../../../src/base/pem.ts';
import { createCa } from '../support/openssl.ts';

const BODY = 'QUJD'.repeat(40);
const block = (label: string, body = BODY): string =>
  `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
const STRICT = block('CERTIFICATE', `${BODY.slice(0, 64)}\n${BODY.slice(64, 128)}\n${BODY.slice(128)}`);
const labels = (text: string): string[] => pemBlocksIn(text).map(({ label }) => label);

/** RFC 7468: section 2 (text around blocks), and the lax grammar of section 3. */
describe.each([
  ['in strict form', STRICT],
  ['with CRLF', STRICT.replaceAll('\n', '\r\n')],
  ['with a blank after each line', STRICT.replaceAll('\n', ' \t\n')],
  ['with text around it', `subject=CN = k1\n\n${STRICT}# end`],
  ['in one line of base64', block('CERTIFICATE')],
  ['with empty lines in it', STRICT.replaceAll('\n', '\n\n')],
  ['without a line feed at its end', STRICT.trimEnd()],
  ['indented', STRICT.replaceAll(/^/gm, '    ')],
])('a block %s', (_, text) => {
  test('is read in strict form', () => {
    expect(pemBlocksIn(text)).toMatchObject([{ label: 'CERTIFICATE', pem: STRICT }]);
  });

  test('reports its start and end in the text', () => {
    const [found] = pemBlocksIn(text);
    expect(text.slice(found?.start)).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect(text.slice(0, found?.end)).toMatch(/-----END CERTIFICATE-----$/);
  });
});

test('separates two blocks without a line feed between them', () => {
  expect(labels(STRICT.trimEnd() + block('RSA PRIVATE KEY'))).toEqual(['CERTIFICATE', 'RSA PRIVATE KEY']);
});

test.each([
  ['a block without its end', '-----BEGIN CERTIFICATE-----\nQUJD\n'],
  ['a block with another end', '-----BEGIN CERTIFICATE-----\nQUJD\n-----END PRIVATE KEY-----\n'],
])('ignores %s', (_, text) => {
  expect(labels(text)).toEqual([]);
  expect(labels(text + STRICT)).toEqual(['CERTIFICATE']);
});

test('reads a certificate in lax form like the strict form', async () => {
  const { pem } = await createCa();
  const lax = pem.replaceAll('\n', ' \n').replaceAll(/([A-Za-z0-9+/]{64}) \n/g, '$1');
  const [read] = pemBlocksIn(lax);
  expect(new X509Certificate(read?.pem ?? '').fingerprint256).toBe(new X509Certificate(pem).fingerprint256);
});

test.each([
  ['PKCS #8', 'pkcs8', 'aes-256-cbc'],
  ['the form with headers', 'pkcs1', 'aes-128-cbc'],
] as const)('recognizes an encrypted private key in %s', (_, type, cipher) => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type, format: 'pem', cipher, passphrase: 'secret' });
  const [key] = pemBlocksIn(pem);
  expect(key && isPrivateKey(key)).toBe(true);
  expect(key && isCertificate(key)).toBe(false);
  expect(() => createPublicKey(key?.pem ?? '')).toThrow();
  const read = execFileSync('openssl', ['pkey', '-passin', 'pass:secret', '-pubout'], { input: key?.pem });
  expect(read.toString()).toBe(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }));
});

test('scans a text in linear time', () => {
  const begin = '-----BEGIN CERTIFICATE-----\n';
  // With quadratic time this would exceed the test's time-out.
  expect(labels(begin.repeat(200_000))).toEqual([]);
  expect(labels(`${begin}${'A'.repeat(64)}\n`.repeat(100_000))).toEqual([]);
});
