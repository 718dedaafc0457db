import { expect, test } from 'vitest';
import { createRecent } from '../../../src/base/recent.ts';

test('drops the least recently used entry', () => {
  const recent = createRecent<number>(2);
  recent.set('a', 1);
  recent.set('b', 2);
  expect(recent.get('a')).toBe(1);
  recent.set('c', 3);
  expect(['a', 'b', 'c'].map(recent.get)).toEqual([1, undefined, 3]);
  recent.delete('a');
  expect(recent.values()).toEqual([3]);
});
