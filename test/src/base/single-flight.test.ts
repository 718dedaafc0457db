import { expect, test } from 'vitest';
import { createSingleFlight } from '../../../src/base/single-flight.ts';

test('shares one run between overlapping calls with the same key', async () => {
  const once = createSingleFlight<number>();
  const { promise, resolve } = Promise.withResolvers<number>();
  let runs = 0;
  const run = async (): Promise<number> => {
    runs += 1;
    return await promise;
  };
  const calls = [once('a', run), once('a', run), once('b', run)];
  expect(runs).toBe(2);
  resolve(7);
  expect(await Promise.all(calls)).toEqual([7, 7, 7]);
});

test('runs again after the end of a run, also after a failure', async () => {
  const once = createSingleFlight<string>();
  await expect(once('a', async () => await Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await once('a', async () => await Promise.resolve('yes'))).toBe('yes');
  expect(await once('a', async () => await Promise.resolve('again'))).toBe('again');
});
