import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { boundedJson, LEFT_OUT } from '../../../src/base/bounded-json.ts';

const within = (text: string): unknown => {
  const bounded = boundedJson(text);
  return 'fault' in bounded ? bounded.fault : (JSON.parse(bounded.text) as unknown);
};

test('keeps any JSON within the bounds unchanged, whatever its texts and blanks', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2, '\t'), (value, blanks) => {
      const text = JSON.stringify(value, undefined, blanks);
      expect(boundedJson(text)).toEqual({ text });
    }),
  );
});

const list = (length: number, member = '0'): string => `[${Array.from({ length }, () => member).join(',')}]`;
const map = (length: number): string =>
  `{${Array.from({ length }, (_, index) => `"${index}":{}`).join(',')}}`;
const nest = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

test.each([
  ['10,000 members', list(10_000), undefined],
  ['10,001 numbers', list(10_001), [LEFT_OUT, 0]],
  ['10,001 numbers with blanks between them', list(10_001).replaceAll(',', ' ,\n '), [LEFT_OUT, 0]],
  ['a map of 10,001 members', map(10_001), LEFT_OUT],
  ['a member that is too long', `[1,${map(10_001)},"x"]`, [1, LEFT_OUT, 'x']],
  ['two that are too long', `{"a":${map(10_001)},"b":${list(10_001)}}`, { a: LEFT_OUT, b: [LEFT_OUT, 0] }],
  ['200 levels', nest(200), undefined],
  ['too many values in no single list or map', list(50, list(5000)), 'too many values'],
  ['a missing end', '[[]', 'garbled'],
  ['a superfluous end', '[]]', 'garbled'],
])('leaves out only what exceeds the bounds: %s', (_, text, expected) => {
  expect(within(text)).toEqual(expected ?? JSON.parse(text));
});

describe('beyond the limit of values, leaves out the largest lists and maps with more than 10,000 values', () => {
  const below = list(9000);
  const small = list(20, list(600));
  const large = `{${Array.from({ length: 50 }, (_, index) => `"${index}":${list(4000)}`).join(',')}}`;

  test.each([
    ['a large one beside a small one', `[${large},${below}]`, `["LEFT OUT",${below}]`],
    ['the larger of two', `[${small},${large}]`, `[${small},"LEFT OUT"]`],
    ['both if one is not enough', `[${large},${below},${large}]`, `["LEFT OUT",${below},"LEFT OUT"]`],
    ['the innermost large one', `[{"a":{"b":${large},"c":1}},2]`, '[{"a":{"b":"LEFT OUT","c":1}},2]'],
    [
      'one with a part that is already left out',
      `[[[${list(20_000)},${large}]],1]`,
      '[[[["LEFT OUT",0],"LEFT OUT"]],1]',
    ],
  ])('%s', (_, text, expected) => {
    expect(within(text)).toEqual(JSON.parse(expected.replaceAll('LEFT OUT', LEFT_OUT)));
  });

  test.each([
    ['many members', list(2000, `{"name":"x","value":${list(110)}}`)],
    ['a few large members', list(50, `{"name":"x","value":${list(5000)}}`)],
  ])('keeps the last members of a list with %s', (_, members) => {
    const answered = '{"name":"deploy_action"},{"name":"deploy_signal_id"}';
    const { inputs } = v.parse(
      v.object({ inputs: v.array(v.unknown()) }),
      within(`{"inputs":${members.replace(/]$/, `,${answered}]`)}}`),
    );
    expect(inputs[0]).toBe(LEFT_OUT);
    expect(inputs.slice(-2)).toEqual(JSON.parse(`[${answered}]`));
  });
});

test('keeps 200 levels of lists that are nested too deep, and their siblings', () => {
  const bounded = boundedJson(`[1,${nest(100_000)},2]`);
  const expected = `[1,${'['.repeat(199)}${JSON.stringify(LEFT_OUT)}${']'.repeat(199)},2]`;
  expect(bounded).toEqual({ text: expected });
});

test.each([
  ['texts', (index: number) => `a,]${index}`],
  ['maps', (index: number) => ({ name: 'x', value: index })],
  ['lists', (index: number) => [[], index, { a: [1, 2] }]],
])('keeps the last members of a list with too many %s', (_, member) => {
  const members = Array.from({ length: 50_000 }, (__, index) => member(index));
  const [mark, ...kept] = v.parse(v.array(v.unknown()), within(JSON.stringify(members)));
  expect(mark).toBe(LEFT_OUT);
  expect(kept.length).toBeGreaterThanOrEqual(64);
  expect(kept.length).toBeLessThanOrEqual(128);
  expect(kept).toEqual(members.slice(-kept.length));
});

test('bounds each member that it keeps of a list, and does not keep thousands of its numbers', () => {
  const numbers = Array.from({ length: 20_000 }, () => 1);
  const tail = [{ long: numbers }, 'x', ...numbers, 'y', 'z'];
  const members = [...Array.from({ length: 10_000 }, () => 'a'), ...tail];
  expect(within(JSON.stringify(members))).toEqual([LEFT_OUT, 'y', 'z']);
  const short = [...Array.from({ length: 10_000 }, () => 'a'), { long: numbers }, 'z'];
  const kept = v.parse(v.array(v.unknown()), within(JSON.stringify(short)));
  expect(kept.slice(-2)).toEqual([{ long: [LEFT_OUT, 1] }, 'z']);
});
