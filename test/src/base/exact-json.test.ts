import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { parseExactJson } from '../../../src/base/exact-json.ts';
import { isObject, mergeDeep } from '../../../src/base/json.ts';
import { pythonJson, pythonStr } from '../../../src/base/python.ts';
import { valueOrAgentError } from '../support/outcome-of.ts';

const parse = (text: string): unknown => parseExactJson(text, 'reading it', 'bad-metadata');

/** Parses one number within a list: a text of one number alone is not parsed exactly. */
const only = (source: string): unknown => {
  const list = parse(`[${source}]`);
  return Array.isArray(list) ? (list[0] as unknown) : undefined;
};

test('writes numbers that a double would alter exactly as they were read', () => {
  const text = '{"a":[1.0,1e16,-0.0,12345678901234567890,0.00001],"b":"1.0"}';
  expect(JSON.stringify(parse(text))).toBe(text);
});

test('keeps other numbers as numbers', () => {
  expect(parse('[1, -2.5, 0.25, 123456789012345, 1.0]')).toMatchObject([
    1,
    -2.5,
    0.25,
    123456789012345,
    { rawJSON: '1.0' },
  ]);
  expect(parse('{"timeout": 3600, "x": 1.0}')).toMatchObject({ timeout: 3600 });
});

test('does not treat an exact number as a map to merge into', () => {
  const one = only('1.0');
  expect(isObject(one)).toBe(false);
  expect(JSON.stringify(mergeDeep({ a: { b: 1 } }, { a: one }))).toBe('{"a":1.0}');
});

// As Python 3.11 prints them.
test.each([
  ['1.0', '1.0'],
  ['1e-05', '1e-05'],
  ['0.00001234', '1.234e-05'],
  ['0.0001', '0.0001'],
  ['1e15', '1000000000000000.0'],
  ['1e16', '1e+16'],
  ['1.5E300', '1.5e+300'],
  ['-2.50', '-2.5'],
  ['-0.0', '-0.0'],
  ['12345678901234567890', '12345678901234567890'],
  ['9007199254740993.0', '9007199254740992.0'],
  ['1e400', 'inf'],
])('gives %s the text %s, as Python does', (source, text) => {
  const value = only(source);
  expect(pythonStr(value)).toBe(text);
  expect(pythonStr({ x: value })).toBe(`{'x': ${text}}`);
  expect(pythonJson([value])).toBe(`[${text.replace('inf', 'Infinity')}]`);
});

test('agrees with JSON.parse on every JSON text, and rejects any other', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(JSON.parse(JSON.stringify(parse(text)))).toEqual(JSON.parse(JSON.stringify(JSON.parse(text))));
    }),
  );
  expect(valueOrAgentError(() => parse('[1.0,'))).toBeInstanceOf(AgentError);
});

test('parses deep nesting, with doubles for numbers', () => {
  const depth = 200_000;
  expect(() => parse(`[1.0,${'['.repeat(depth)}${']'.repeat(depth)}]`)).not.toThrow();
});

const timeOf = (length: number): number => {
  const text = `"${',1'.repeat(8)}${'1'.repeat(length)}.${'1'.repeat(length)}"`;
  const start = performance.now();
  parse(text);
  return performance.now() - start;
};

test('finds inexact numbers in time proportional to the length of the text', () => {
  timeOf(50_000);
  expect(timeOf(800_000) / Math.max(timeOf(100_000), 0.5)).toBeLessThan(80);
});
