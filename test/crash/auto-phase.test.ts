import { expect, test } from 'vitest';
import { sweepAutoPhase } from './auto-phase.ts';
import { openBench } from './open-bench.ts';
import { sample, seed } from './random.ts';

/** A sample of auto-phase.full.test.ts. */
const bench = await openBench();

test.each(['reissue', 'retire'] as const)(
  'completes the automatic phase %s after a kill at some of its steps',
  { timeout: 600_000 },
  async (phase) => {
    const { points, findings } = await sweepAutoPhase(bench, phase, (all) => sample(all, 3));
    expect(findings, `CRASH_SEED=${seed}`).toEqual([]);
    expect(points).toBeGreaterThanOrEqual(60);
  },
);
