import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, createBench } from './bench.ts';
import { sweepRepair } from './repair.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.close();
});

test('a renewal with the same CA, killed at each of its steps', { timeout: 3_600_000 }, async () => {
  const { findings, points } = await sweepRepair(bench, (all) => all);
  process.stdout.write(`repair: ${points} points\n`);
  expect(findings).toEqual([]);
});
