import { expect, test } from 'vitest';
import { sweepAutoPhase } from './auto-phase.ts';
import { openBench } from './open-bench.ts';

const bench = await openBench();

test.each(['reissue', 'retire'] as const)(
  'completes the automatic phase %s after a kill at each of its steps',
  { timeout: 3_600_000 },
  async (phase) => {
    const { points, findings } = await sweepAutoPhase(bench, phase, (all) => all);
    process.stdout.write(`${phase} by itself: ${points} points\n`);
    expect(findings).toEqual([]);
  },
);
