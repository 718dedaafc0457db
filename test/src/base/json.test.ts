import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { isObject, parseJson } from '../../../src/base/json.ts';
import { thrownBy, valueOrAgentError } from '../support/outcome-of.ts';

test('any JSON comes back as the value that it was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(parseJson(text, 'reading', 'state')).toEqual(JSON.parse(text));
    }),
  );
});

test('any text is a value or an error with the code of whoever reads', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const result = valueOrAgentError(() => parseJson(text, 'reading x', 'bad-answer'));
      if (result instanceof AgentError) expect(result.code).toBe('bad-answer');
    }),
  );
});

test('the error says what was read and how it starts, on one line', () => {
  const error = thrownBy(() => parseJson('\n<html>\n <body>', 'reading-x', 'bad-answer'));
  expect(error).toMatchObject({ code: 'bad-answer', reason: 'not-json' });
  expect(error.message).toMatch(/^reading-x: .*"<html> <body>"/);
});

test('only a JSON object is an object', () => {
  expect(isObject({})).toBe(true);
  for (const other of [null, [], 'x', 1, undefined]) expect(isObject(other)).toBe(false);
});
