import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { boundedJson, LEFT_OUT } from '../../../src/base/bounded-json.ts';

const within = (text: string): unknown => {
  const bounded = boundedJson(text);
  return 'fault' in bounded ? bounded.fault : (JSON.parse(bounded.text) as unknown);
};

test('any JSON within bounds stays as it is, whatever its texts and blanks are', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2, '\t'), (value, blanks) => {
      const text = JSON.stringify(value, undefined, blanks);
      expect(boundedJson(text)).toEqual({ text });
    }),
  );
});

const list = (length: number, member = '0'): string => `[${Array.from({ length }, () => member).join(',')}]`;
const nest = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

test.each([
  ['10,000 members', list(10_000), undefined],
  ['10,001 members', list(10_001), LEFT_OUT],
  ['10,001 members with blanks between them', list(10_001).replaceAll(',', ' ,\n '), LEFT_OUT],
  ['10,001 members with texts between them', list(10_001, '"a,]"'), LEFT_OUT],
  ['a member that is too long', `[1,${list(10_001)},"x"]`, [1, LEFT_OUT, 'x']],
  ['two that are too long', `{"a":${list(10_001)},"b":${list(10_001, '{}')}}`, { a: LEFT_OUT, b: LEFT_OUT }],
  ['many maps that are too long within one', list(10_001, `[${list(3)},{"a":1}]`), LEFT_OUT],
  ['200 levels', nest(200), undefined],
  ['more values than are kept', list(50, list(5000)), 'too many values'],
  ['an end that is missing', '[[]', 'garbled'],
  ['an end too many', '[]]', 'garbled'],
])('of %s what is beyond the bounds is left out', (_, text, expected) => {
  expect(within(text)).toEqual(expected ?? JSON.parse(text));
});

test('of lists that are nested too deep 200 levels are kept, and what is beside them', () => {
  const bounded = boundedJson(`[1,${nest(100_000)},2]`);
  const expected = `[1,${'['.repeat(199)}${JSON.stringify(LEFT_OUT)}${']'.repeat(199)},2]`;
  expect(bounded).toEqual({ text: expected });
});
