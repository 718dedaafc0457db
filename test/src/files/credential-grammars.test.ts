import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type CredentialFormat, GRAMMARS } from '../../../src/files/credential-grammars.ts';

const FORMATS: readonly CredentialFormat[] = ['shell', 'ini', 'yaml'];
const KEY: Record<CredentialFormat, string> = { shell: 'TRUST_ID=', ini: 'trust-id = ', yaml: 'trust_id: ' };
const LIKES = ['', 'plain', '"double"', "'single'"];

/** One line of printable ASCII, with the characters that are special in some grammar. */
const value = fc.string({
  unit: fc.constantFrom(...'aZ0 .:/@-_=#;%+,\'"\\$`{}[]!&*|>~'.split('')),
  minLength: 1,
  maxLength: 12,
});

const readBack = (format: CredentialFormat, line: string): string | undefined => {
  const { line: grammar, read } = GRAMMARS[format];
  const raw = grammar.exec(line)?.[3];
  return raw === undefined ? undefined : read(raw);
};

test.each(FORMATS)('reads back every value written to %s, whatever quotes were there before', (format) => {
  fc.assert(
    fc.property(value, fc.constantFrom(...LIKES), (wanted, like) => {
      const put = GRAMMARS[format].write(wanted, like);
      if (put !== undefined) expect(readBack(format, KEY[format] + put)).toBe(wanted);
    }),
    { numRuns: 1000 },
  );
});

test('agrees with a YAML parser', () => {
  fc.assert(
    fc.property(value, fc.constantFrom(...LIKES), (wanted, like) => {
      const put = GRAMMARS.yaml.write(wanted, like);
      if (put !== undefined) expect(parse(`trust_id: ${put}\n`)).toEqual({ trust_id: wanted });
    }),
    { numRuns: 500 },
  );
});

test('agrees with a shell', () => {
  const written = fc
    .sample(fc.tuple(value, fc.constantFrom(...LIKES)), { numRuns: 300, seed: 1 })
    .flatMap(([wanted, like]) => {
      const put = GRAMMARS.shell.write(wanted, like);
      return put === undefined ? [] : [{ wanted, put }];
    });
  const script = written.map(({ put }) => `TRUST_ID=${put}\nprintf '%s\\0' "$TRUST_ID"\n`).join('');
  const { stdout } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
  expect(written.length).toBeGreaterThan(100);
  expect(stdout.split('\0').slice(0, -1)).toEqual(written.map(({ wanted }) => wanted));
});

describe('skips an ambiguous value', () => {
  test.each<[CredentialFormat, string]>([
    ['ini', String.raw`trust-id = a\b`],
    ['ini', String.raw`trust-id = "a\n"`],
    ['ini', 'trust-id = "open'],
    ['yaml', 'trust_id: a: b'],
    ['yaml', 'trust_id: *alias'],
    ['yaml', 'trust_id: |'],
    ['yaml', String.raw`trust_id: "a\u0041"`],
    ['shell', 'TRUST_ID=a b'],
    ['shell', 'TRUST_ID="open'],
  ])('in %s: %s', (format, line) => {
    expect(readBack(format, line)).toBeUndefined();
  });
});

test.each<[CredentialFormat, string, string]>([
  ['shell', 'export TRUST_ID=a # comment', 'a'],
  ['ini', 'trust-id=a b ; comment', 'a b'],
  ['ini', 'trust-id = "a;b"# comment', 'a;b'],
  ['yaml', '  - trust_id: a # comment', 'a'],
  ['yaml', "trust_id: 'a # b'", 'a # b'],
])('excludes a comment after a value of %s: %s', (format, line, expected) => {
  expect(readBack(format, line)).toBe(expected);
});
