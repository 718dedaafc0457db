import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSecrets, secretsOfUrl } from '../../../src/base/secrets.ts';

const spellings = (secret: string): string[] => [
  secret,
  secret.trim(),
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret),
  Buffer.from(secret).toString('base64'),
];

/** Long enough to be registered; without the mask's own character, of which a new secret could be made up. */
const secret = fc
  .string({ minLength: 6, maxLength: 40, unit: 'grapheme' })
  .filter((text) => text.trim().length >= 6 && !text.includes('*'));

test('a registered secret is gone from every text, in all of its spellings', () => {
  fc.assert(
    fc.property(
      fc.array(secret, { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(fc.nat(4), fc.nat(4), fc.string()), { minLength: 1, maxLength: 6 }),
      (values, pieces) => {
        const secrets = createSecrets();
        for (const value of values) secrets.add(value);
        const text = pieces
          .map(([which, how, around]) => around + (spellings(values[which % values.length] ?? '')[how] ?? ''))
          .join('');
        const clean = secrets.redact(text);
        for (const value of values)
          for (const spelling of spellings(value)) expect(clean).not.toContain(spelling);
      },
    ),
  );
});

test('any string can be registered and any text redacted', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (value, text) => {
      const secrets = createSecrets();
      secrets.add(value);
      secrets.add(`${value}\uD800 half a pair`);
      expect(typeof secrets.redact(text)).toBe('string');
    }),
  );
});

test('a secret inside a longer one leaves no tail of the longer one behind', () => {
  const secrets = createSecrets();
  secrets.add('hunter22');
  secrets.add('hunter22-and-more');
  expect(secrets.redact('a hunter22-and-more b hunter22 c')).toBe('a *** b *** c');
});

test('empty and very short values are not registered: they would black out ordinary text', () => {
  const secrets = createSecrets();
  for (const value of [undefined, '', 'a', '12345', '     \n    ']) secrets.add(value);
  expect(secrets.redact('a 12345      b')).toBe('a 12345      b');
});

test('private keys are never shown, registered or not, whole or cut', () => {
  const { redact } = createSecrets();
  const pem = '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----';
  expect(redact(`before ${pem} after`)).toBe('before *** after');
  expect(redact(JSON.stringify({ a: pem, b: 1 }))).toBe('{"a":"***","b":1}');
  expect(redact('x -----BEGIN PRIVATE KEY-----\nMIIE')).toBe('x ***');
  expect(redact('-----BEGIN EC PRIVATE KEY-----\nMH\n-----END EC PRIVATE KEY-----|and the next')).toBe(
    '***|and the next',
  );
});

test('of passing secrets the last hundred are known, and every lasting one', () => {
  const secrets = createSecrets();
  secrets.add('lasting-secret');
  const passing = Array.from({ length: 250 }, (_, index) => `token-number-${index}-`);
  for (const token of passing) secrets.addPassing(token);
  expect(secrets.redact(passing.slice(150).join(' '))).not.toContain('token');
  expect(secrets.redact(`${passing[0] ?? ''} lasting-secret`)).toBe(`${passing[0] ?? ''} ***`);
});

test('forgets the secrets of every deployment but those that are named', () => {
  const secrets = createSecrets();
  secrets.add('of the node');
  secrets.addFor('one', 'secret of one');
  secrets.addFor('two', 'secret of two');
  secrets.addFor('two', 'secret of both');
  secrets.addFor('one', 'secret of both');
  const text = 'of the node, secret of one, secret of two, secret of both';
  expect(secrets.redact(text)).toBe('***, ***, ***, ***');
  secrets.forgetAllBut(new Set(['two']));
  expect(secrets.redact(text)).toBe('***, secret of one, ***, ***');
});

test.each(['http://user:correct-horse@proxy.example:3128', 'user:correct-horse@proxy.example:3128'])(
  'of %s the password is secret',
  (url) => {
    expect(secretsOfUrl(url)).toEqual(expect.arrayContaining(['user:correct-horse', 'correct-horse']));
  },
);

test.each(['http://proxy.example:3128', 'proxy.example:3128', ''])('of %j nothing is', (url) => {
  expect(secretsOfUrl(url)).toEqual([]);
});
