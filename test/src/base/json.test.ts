import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { isObject, parseJson } from '../../../src/base/json.ts';
import { thrownBy, valueOrAgentError } from '../support/outcome-of.ts';

test('parses any JSON to the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(parseJson(text, 'reading', 'state')).toEqual(JSON.parse(text));
    }),
  );
});

test("parses any text to a value, or throws an error with the caller's code", () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const result = valueOrAgentError(() => parseJson(text, 'reading x', 'bad-answer'));
      if (result instanceof AgentError) expect(result.code).toBe('bad-answer');
    }),
  );
});

test('says in one line what was read and how it starts', () => {
  const error = thrownBy(() => parseJson('\n<html>\n <body>', 'reading-x', 'bad-answer'));
  expect(error).toMatchObject({ code: 'bad-answer', reason: 'not-json' });
  expect(error.message).toMatch(/^reading-x: .*"<html> <body>"/);
});

test('accepts only a JSON object as an object', () => {
  expect(isObject({})).toBe(true);
  for (const other of [null, [], 'x', 1, undefined]) expect(isObject(other)).toBe(false);
});
