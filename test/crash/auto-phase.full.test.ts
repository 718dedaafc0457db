import { afterAll, beforeAll, expect, test } from 'vitest';
import { sweepAutoPhase } from './auto-phase.ts';
import { type Bench, createBench } from './bench.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.close();
});

test.each(['reissue', 'retire'] as const)(
  'a node that takes the phase %s by itself, killed at each of its steps',
  { timeout: 3_600_000 },
  async (phase) => {
    const { points, findings } = await sweepAutoPhase(bench, phase, (all) => all);
    process.stdout.write(`${phase} by itself: ${points} points\n`);
    expect(findings).toEqual([]);
  },
);
