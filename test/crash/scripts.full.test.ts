import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { sweepScript } from './script-case.ts';

const bench = await openBench();

test('runs a script once and reports it once after a kill at any of its steps', async () => {
  expect(await sweepScript(bench, (kills) => [...kills])).toBeGreaterThan(40);
});
