import { expect, test } from 'vitest';
import { allSettled } from '../../../src/base/all-settled.ts';

test('starts all before one has ended, and returns the results in input order', async () => {
  const begun: number[] = [];
  const waiting = Promise.withResolvers<undefined>();
  const results = await allSettled([1, 2, 3], async (thing) => {
    begun.push(thing);
    if (begun.length === 3) waiting.resolve(undefined);
    await waiting.promise;
    return thing * 2;
  });
  expect(results).toEqual([2, 4, 6]);
});

test('throws the first error after the others have ended', async () => {
  const ended: number[] = [];
  const others = Promise.withResolvers<undefined>();
  const all = allSettled([1, 2, 3], async (thing) => {
    if (thing === 1) {
      queueMicrotask(() => {
        others.resolve(undefined);
      });
      throw new Error('the first');
    }
    await others.promise;
    ended.push(thing);
    if (thing === 2) throw new Error('the second');
  });
  await expect(all).rejects.toThrow('the first');
  expect(ended).toEqual([2, 3]);
});
