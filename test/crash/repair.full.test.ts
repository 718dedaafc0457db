import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { sweepRepair } from './repair.ts';

const bench = await openBench();

test(
  'completes a renewal with the same CA after a kill at each of its steps',
  { timeout: 3_600_000 },
  async () => {
    const { findings, points } = await sweepRepair(bench, (all) => all);
    process.stdout.write(`repair: ${points} points\n`);
    expect(findings).toEqual([]);
  },
);

test(
  'completes the way back to kept certificates after a kill at each of its steps',
  { timeout: 3_600_000 },
  async () => {
    const { findings, points } = await sweepRepair(bench, (all) => all, 'rollback');
    process.stdout.write(`rollback: ${points} points\n`);
    expect(findings).toEqual([]);
  },
);
