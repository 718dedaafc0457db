import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readOsloConfig } from '../../../agent/config/oslo.ts';
import { knownOptions } from '../../../agent/config/predecessor.ts';

/** Reads the heat section, even an incomplete one. */
const heatOf = (text: string): Record<string, string | undefined> =>
  Object.fromEntries(
    [...readOsloConfig(text, knownOptions).section('heat')].map(([key, all]) => [key, all.at(-1)]),
  );

// As oslo.config 9 reads the same lines.
test.each([
  ['a#b', 'a#b'],
  ['a;b', 'a;b'],
  ['a # b', 'a # b'],
  ['a"b', 'a"b'],
  ['a%b%(x)s', 'a%b%(x)s'],
  ['a=b==', 'a=b=='],
  [String.raw`a\nb\\c`, String.raw`a\nb\\c`],
  ['d^6KrSFL7v1qBv7DV2ip1zO#30*uC^%K', 'd^6KrSFL7v1qBv7DV2ip1zO#30*uC^%K'],
  ['"abc"', 'abc'],
  ["'a b'", 'a b'],
  ['"half', '"half'],
  [`"a'`, `"a'`],
  ['[x]', '[x]'],
  ['true', 'true'],
  ['null', 'null'],
  ['a:b', 'a:b'],
])('reads the password %s unchanged', (written, read) => {
  for (const line of [`password = ${written}`, `password=${written}`, `password : ${written}`])
    expect(heatOf(`[heat]\n${line}\n`)).toEqual({ password: read });
});

test('preserves any password of printable characters', () => {
  const character = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCodePoint(code));
  fc.assert(
    fc.property(fc.string({ unit: character, minLength: 1 }), (password) => {
      // Nothing can escape a backslash before a dollar sign.
      fc.pre(!/^["']|\\\$/.test(password));
      const written = password.replaceAll('$', '$$$$');
      expect(heatOf(`[DEFAULT]\n[heat]\nuser_id = u\npassword = ${written}\nproject_id = p\n`)).toEqual({
        user_id: 'u',
        password,
        project_id: 'p',
      });
    }),
  );
});

test('accepts comments only as whole lines', () => {
  expect(heatOf('[heat]\n# password = a\n  ; password = b\npassword = c\n')).toEqual({ password: 'c' });
});

test.each([
  ['continues a value on an indented line', 'password = one\n  two\n\tthree', 'one\ntwo\nthree'],
  [
    'continues it also on one that looks like a comment or an assignment',
    'password = one\n  # two\n  user_id = u',
    'one\n# two\nuser_id = u',
  ],
  ['drops quotes only from the first line', "password = 'one'\n  'two'", "one\n'two'"],
  ['ends a value at an empty line', 'password = one\n\n  two', 'one'],
  ['ends a value at a comment', 'password = one\n# end\n  two', 'one'],
  ['accepts an empty first line', 'password =\n  two', '\ntwo'],
  [
    'keeps everything after the equals sign, whatever the line end',
    'password = one \r\n two \r\n',
    'one\ntwo',
  ],
])('like oslo.config, %s', (_, lines, password) => {
  expect(heatOf(`[heat]\n  nothing to continue\n${lines}\n`)).toEqual({ password });
});

test('keeps sections with the same keys apart, and lets the last of a repeated key win', () => {
  const text = '[zaqar]\npassword = z\n[heat]\npassword = old\npassword = h\n[cfn]\npath = x\n';
  expect(heatOf(text)).toEqual({ password: 'h' });
  const { section } = readOsloConfig(text, knownOptions);
  expect(section('heat').get('password')).toEqual(['old', 'h']);
});

test('matches section names in any case, except DEFAULT', () => {
  const { general, section } = readOsloConfig(
    '[HEAT]\nuser_id = u\n[default]\nsplay = 1\n[DEFAULT]\nsplay = 2\n',
    knownOptions,
  );
  expect(section('heat').get('user_id')).toEqual(['u']);
  expect(general.get('splay')).toEqual(['2']);
});

test('ignores lines before the first section, and a section whose name is not closed', () => {
  expect(heatOf('password = a\n[heat]\nuser_id = u\n[heat\npassword = b\n')).toEqual({ user_id: 'u' });
});

const UNDEFINED = new Map<string, string>();

test.each([
  ['an option of its section', '$user_id', 'u'],
  ['braces', '${user_id}-x', 'u-x'],
  ['an option of another section', '$zaqar.queue_id', 'q'],
  ['an option of DEFAULT', '$splay', '7'],
  ["an option's default", '$min_polling_interval', 'fallback'],
  ['two dollar signs', '$$user_id', '$user_id'],
  ['an escaped dollar sign', String.raw`\$user_id`, '$user_id'],
  ['an option that refers on', '$project_id', 'u'],
])('replaces %s', (_, written, read) => {
  const text = `[DEFAULT]\nsplay = 7\n[zaqar]\nqueue_id = q\n[heat]\nuser_id = u\nproject_id = $user_id\npassword = ${written}\n`;
  const defined = new Map(['user_id', 'project_id', 'password', 'queue_id'].map((key) => [key, '']));
  const general = new Map([
    ['splay', '0'],
    ['min_polling_interval', 'fallback'],
  ]);
  const options = (section: string) => (section === 'DEFAULT' ? general : defined);
  expect(readOsloConfig(text, options).section('heat').get('password')).toEqual([read]);
  // Only options that the file's owner defines are replaced.
  const unknown = readOsloConfig(text, () => UNDEFINED)
    .section('heat')
    .get('password')?.[0];
  expect(unknown).toBe(written.startsWith('$$') || written.startsWith('\\') ? read : written);
});
