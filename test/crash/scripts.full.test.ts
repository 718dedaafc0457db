import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { sweepScript } from './script-case.ts';

const bench = await openBench();

test('killed at any of its steps, a script is run once, and Heat hears of it once', async () => {
  expect(await sweepScript(bench, (kills) => [...kills])).toBeGreaterThan(40);
});
