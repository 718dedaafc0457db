import { expect, test } from 'vitest';
import { batched } from '../../../src/services/batch.ts';
import { NEVER } from '../support/clock.ts';

test('sends simultaneous questions as one, and returns each its own answer', async () => {
  const calls: string[][] = [];
  const ask = batched(async (names) => {
    calls.push([...names]);
    return await Promise.resolve(names.map((name) => name.toUpperCase()));
  });
  expect(await Promise.all([ask('a', NEVER), ask('b', NEVER), ask('a', NEVER)])).toEqual(['A', 'B', 'A']);
  expect(await ask('c', NEVER)).toBe('C');
  expect(calls).toEqual([['a', 'b', 'a'], ['c']]);
});

test('separates callers with different aborts', async () => {
  const calls: string[][] = [];
  const ask = batched(async (names) => {
    calls.push([...names]);
    return await Promise.resolve(names);
  });
  await Promise.all([ask('a', NEVER), ask('b', new AbortController().signal)]);
  expect(calls).toEqual([['a'], ['b']]);
});

test('fails for a whole batch, and asks again the next time', async () => {
  let isBroken = true;
  const ask = batched(async (names) => {
    if (isBroken) throw new Error('no systemd');
    return await Promise.resolve(names);
  });
  const both = await Promise.allSettled([ask('a', NEVER), ask('b', NEVER)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  isBroken = false;
  expect(await ask('a', NEVER)).toBe('a');
});

test('rejects an answer with fewer parts than questions', async () => {
  const ask = batched(async () => await Promise.resolve(['one']));
  const both = await Promise.allSettled([ask('a', NEVER), ask('b', NEVER)]);
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
});
