import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { sample, seed } from './random.ts';
import { sweepRepair } from './repair.ts';

/** A sample of repair.full.test.ts. */
const bench = await openBench();

test(
  'completes a renewal with the same CA after a kill at some of its steps',
  { timeout: 600_000 },
  async () => {
    const { points, findings } = await sweepRepair(bench, (all) => sample(all, 6));
    expect(findings, `CRASH_SEED=${seed}`).toEqual([]);
    expect(points).toBeGreaterThanOrEqual(60);
  },
);

test(
  'completes the way back to kept certificates after a kill at some of its steps',
  { timeout: 600_000 },
  async () => {
    const { points, findings } = await sweepRepair(bench, (all) => sample(all, 6), 'rollback');
    expect(findings, `CRASH_SEED=${seed}`).toEqual([]);
    expect(points).toBeGreaterThanOrEqual(40);
  },
);
