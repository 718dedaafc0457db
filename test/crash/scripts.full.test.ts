import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, createBench } from './bench.ts';
import { sweepScript } from './script-case.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.close();
});

test('killed at any of its steps, a script is run once, and Heat hears of it once', async () => {
  expect(await sweepScript(bench, (kills) => [...kills])).toBeGreaterThan(40);
});
