import { describe, expect, test } from 'vitest';
import { pythonJson, pythonStr } from '../../../src/base/python.ts';

/** As CPython 3.11 prints them. */
const NUMBERS: readonly [source: string, printed: string][] = [
  ['1e16', '1e+16'],
  ['1e15', '1000000000000000.0'],
  ['123456789012345680.0', '1.2345678901234568e+17'],
  ['0.00001', '1e-05'],
  ['0.0001', '0.0001'],
  ['-0.0', '-0.0'],
  ['1.0', '1.0'],
  ['2.5', '2.5'],
  ['5e-324', '5e-324'],
  ['12345678901234567890', '12345678901234567890'],
];

test.each(NUMBERS)('writes the number %s as Python does', (source, printed) => {
  const value = JSON.rawJSON(source);
  expect(pythonStr(value)).toBe(printed);
  expect(pythonJson(value)).toBe(printed);
});

test('writes a number beyond a double like json.dumps and str', () => {
  expect([pythonJson(JSON.rawJSON('-1e400')), pythonStr(JSON.rawJSON('1e400'))]).toEqual([
    '-Infinity',
    'inf',
  ]);
});

describe('text', () => {
  test('is printed as it is on its own', () => {
    expect(pythonStr("it's")).toBe("it's");
  });

  test.each([
    ["it's", String.raw`"it's"`, String.raw`"it's"`],
    ['say "hi"', String.raw`'say "hi"'`, String.raw`"say \"hi\""`],
    ['both \' and "', String.raw`'both \' and "'`, String.raw`"both ' and \""`],
    ['a\\b\n\t\r', String.raw`'a\\b\n\t\r'`, String.raw`"a\\b\n\t\r"`],
    ['\u0000\u007f', String.raw`'\x00\x7f'`, String.raw`"\u0000\u007f"`],
    ['é', "'é'", String.raw`"\u00e9"`],
    ['\u00a0', String.raw`'\xa0'`, String.raw`"\u00a0"`],
    ['\u2028', String.raw`'\u2028'`, String.raw`"\u2028"`],
    ['😀', "'😀'", String.raw`"\ud83d\ude00"`],
    ['\ue000', String.raw`'\ue000'`, String.raw`"\ue000"`],
    ['\u200b', String.raw`'\u200b'`, String.raw`"\u200b"`],
  ])('quotes %j in a list like repr and json.dumps', (text, repr, json) => {
    expect([pythonStr([text]), pythonJson([text])]).toEqual([`[${repr}]`, `[${json}]`]);
  });
});

test('writes maps, lists and constants like Python', () => {
  const value = { a: [true, null, 'x', { b: JSON.rawJSON('1.5') }] };
  expect(pythonStr(value)).toBe("{'a': [True, None, 'x', {'b': 1.5}]}");
  expect(pythonJson(value)).toBe('{"a": [true, null, "x", {"b": 1.5}]}');
});
