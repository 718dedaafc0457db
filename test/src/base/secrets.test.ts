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

/** Long enough to be registered, and without the mask's character, which could form a new secret. */
const secret = fc
  .string({ minLength: 6, maxLength: 40, unit: 'grapheme' })
  .filter((text) => text.trim().length >= 6 && !text.includes('*'));

test('redacts a registered secret in every text, in all of its spellings', () => {
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

test('accepts any string as a secret and any text to redact', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (value, text) => {
      const secrets = createSecrets();
      secrets.add(value);
      secrets.add(`${value}\uD800 half a pair`);
      expect(typeof secrets.redact(text)).toBe('string');
    }),
  );
});

test('leaves no tail of a longer secret that contains a shorter one', () => {
  const secrets = createSecrets();
  secrets.add('hunter22');
  secrets.add('hunter22-and-more');
  expect(secrets.redact('a hunter22-and-more b hunter22 c')).toBe('a *** b *** c');
});

test.each(['', 'a', '42', '443', 'true', 'None', '     \n    '])(
  'does not register %j, which would black out ordinary text',
  (value) => {
    const secrets = createSecrets();
    secrets.add(value);
    const text = `a true 42 443 None ${value}      b`;
    expect(secrets.redact(text)).toBe(text);
  },
);

test('redacts a value of three to five characters where it stands alone', () => {
  const secrets = createSecrets();
  secrets.add('4711');
  secrets.add('abc');
  expect(secrets.redact('pin=4711, "abc" user:abc@host 4711.')).toBe('pin=***, "***" user:***@host ***.');
  expect(secrets.redact(`${Buffer.from('4711').toString('base64')} 34373131`)).toBe('*** ***');
  const others = 'port 47110, 4711.5, 0.4711, abcd, abc.conf, /etc/abc-1';
  expect(secrets.redact(others)).toBe(others);
});

/** As Python 3.11, bash 5.2 and coreutils 9.1 print it. */
test.each([
  ['plain text', 'p4ss "w`o\'rd/+é<&>', '***'],
  ["Python's repr", "{'k': 'p4ss \"w`o\\'rd/+é<&>'}", "{'k': '***'}"],
  ["Python's repr of bytes", "b'p4ss \"w`o\\'rd/+\\xc3\\xa9<&>'", "b'***'"],
  ["Python's JSON", '{"k": "p4ss \\"w`o\'rd/+\\u00e9<&>"}', '{"k": "***"}'],
  ['JSON within JSON', '"{\\"k\\": \\"p4ss \\\\\\"w`o\'rd/+\\\\u00e9<&>\\"}"', '"{\\"k\\": \\"***\\"}"'],
  ["Go's JSON", '"p4ss \\"w`o\'rd/+é\\u003c\\u0026\\u003e"', '"***"'],
  ["Python's quote", 'p4ss%20%22w%60o%27rd/%2B%C3%A9%3C%26%3E', '***'],
  ['RFC 3986', 'p4ss%20%22w%60o%27rd%2F%2B%C3%A9%3C%26%3E', '***'],
  ['RFC 3986 in lower case', 'p4ss%20%22w%60o%27rd%2f%2b%c3%a9%3c%26%3e', '***'],
  ['a form', 'k=p4ss+%22w%60o%27rd%2F%2B%C3%A9%3C%26%3E&', 'k=***&'],
  ["a shell's trace", "+ true 'p4ss \"w`o'\\''rd/+é<&>'", "+ true '***'"],
  ["Python's shlex.quote", "'p4ss \"w`o'\"'\"'rd/+é<&>'", "'***'"],
  ['printf %q', 'p4ss\\ \\"w\\`o\\\'rd/+é\\<\\&\\>', '***'],
  ['printf %q in the C locale', "$'p4ss \"w`o\\'rd/+\\303\\251<&>'", "$'***'"],
  ['declare -p', 'declare -x S="p4ss \\"w\\`o\'rd/+é<&>"', 'declare -x S="***"'],
  ['HTML', 'p4ss &quot;w`o&#x27;rd/+é&lt;&amp;&gt;', '***'],
  ['base64', 'cDRzcyAid2BvJ3JkLyvDqTwmPg==', '***'],
  ['base64 with a line feed', 'cDRzcyAid2BvJ3JkLyvDqTwmPgo=', '***'],
  ['base64 of user:value', 'dXNlcjpwNHNzICJ3YG8ncmQvK8OpPCY+', 'dXNlcjp***'],
  ['base64 after one byte', 'eHA0c3MgIndgbydyZC8rw6k8Jj55eg==', 'eH***55eg=='],
  ['base64 after two bytes', 'eHlwNHNzICJ3YG8ncmQvK8OpPCY+eg==', 'eHl***eg=='],
  ['base64 for URLs', 'eHlwNHNzICJ3YG8ncmQvK8OpPCY-eg==', 'eHl***eg=='],
  ['hexadecimal', '70347373202277606f2772642f2bc3a93c263e', '***'],
  ['HEXADECIMAL', '70347373202277606F2772642F2BC3A93C263E', '***'],
])('redacts a value in %s', (_, text, clean) => {
  const secrets = createSecrets();
  secrets.add('p4ss "w`o\'rd/+é<&>');
  expect(secrets.redact(text)).toBe(clean);
});

test.each([
  ['unwrapped', (text: string) => text],
  ['wrapped as base64 does', (text: string) => wrapped(Buffer.from(text).toString('base64'), 76)],
  ['wrapped as in PEM', (text: string) => wrapped(Buffer.from(text).toString('base64'), 64)],
  ['wrapped as xxd does', (text: string) => wrapped(Buffer.from(text).toString('hex'), 60)],
])('redacts the lines of a long value %s, together and alone', (_, write) => {
  const value = Array.from({ length: 40 }, (__, index) => `line ${index} of ${'x'.repeat(index)}`).join('\n');
  const secrets = createSecrets();
  secrets.add(value);
  expect(secrets.redact(write(value)).replaceAll('\n', '')).toMatch(/^(\*\*\*)+.{0,5}$/);
  expect(secrets.redact(`> ${value.split('\n')[7] ?? ''} <`)).toBe('> *** <');
});

const wrapped = (text: string, width: number): string =>
  text.match(new RegExp(`.{1,${width}}`, 'g'))?.join('\n') ?? '';

const FERNET = `gAAAAABn${'Zx9_-'.repeat(34)}`;
test('keeps JSON valid when it redacts a number', () => {
  const secrets = createSecrets();
  secrets.add('4711081500');
  const entry = { n: 4_711_081_500, m: 7, 'k 4711081500': ['x4711081500', null, true] };
  expect(secrets.redactWithin(entry)).toEqual({ n: '***', m: 7, 'k ***': ['x***', null, true] });
});

test('redacts a stream in any chunks like the whole text, and holds little back', () => {
  const key = `-----BEGIN EC PRIVATE KEY-----\n${'MHcCAQEE'.repeat(8)}\nAA==\n-----END EC PRIVATE KEY-----`;
  const values = ['p4ss "w`o\'rd/+é<&>', 'hunter22', `first line\nsecond line`];
  const parts = [...values, key, `${FERNET}==`, 'X-Auth-Token: 5f1c', 'x', '\n', ' ', 'y'.repeat(70_000)];
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...parts), { maxLength: 12 }),
      fc.array(fc.nat(100_000), { maxLength: 6 }),
      (texts, cuts) => {
        const secrets = createSecrets();
        for (const value of values) secrets.add(value);
        // Line feeds keep two secrets from forming a third.
        const text = texts.join('\n');
        const stream = secrets.stream();
        const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const pushed = places.map((place, index) => stream.push(text.slice(place, places[index + 1])));
        expect((pushed.join('') + stream.end()).replaceAll(/\*+(\s*\*+)*/g, '***')).toBe(
          secrets.redact(text).replaceAll(/\*+(\s*\*+)*/g, '***'),
        );
      },
    ),
    { numRuns: 40 },
  );
});

test.each([
  'a',
  'eyJ',
  'gAAAAA',
  'x-auth-token ',
  '-----BEGIN PRIVATE KEY-----\n',
  '-----END PRIVATE KEY-----',
  'AAAA\n',
  '\\n',
  'aaaaaaaaaaaab',
])('redacts in linear time: %j', (piece) => {
  const secrets = createSecrets();
  secrets.add('a'.repeat(1000));
  const text = (length: number): string => piece.repeat(Math.ceil(length / piece.length));
  const cost = (length: number): number => {
    const long = text(length);
    const runs = Array.from({ length: 3 }, () => {
      const start = process.cpuUsage().user;
      secrets.redact(long);
      return process.cpuUsage().user - start;
    });
    return Math.min(...runs);
  };
  cost(50_000);
  // Linear time gives 8; quadratic time gives 64.
  expect(cost(400_000) / Math.max(cost(50_000), 2000)).toBeLessThan(24);
});

test('remembers the last hundred passing secrets, and every lasting one', () => {
  const secrets = createSecrets();
  secrets.add('lasting-secret');
  const passing = Array.from({ length: 250 }, (_, index) => `token-number-${index}-`);
  for (const token of passing) secrets.addPassing(token);
  expect(secrets.redact(passing.slice(150).join(' '))).not.toContain('token');
  expect(secrets.redact(`${passing[0] ?? ''} lasting-secret`)).toBe(`${passing[0] ?? ''} ***`);
});

test('forgets the secrets of all deployments except the named ones', () => {
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
  'treats the password of %s as secret',
  (url) => {
    expect(secretsOfUrl(url)).toEqual(expect.arrayContaining(['user:correct-horse', 'correct-horse']));
  },
);

test.each(['http://proxy.example:3128', 'proxy.example:3128', ''])('finds no secret in %j', (url) => {
  expect(secretsOfUrl(url)).toEqual([]);
});
