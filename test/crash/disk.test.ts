import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { faultsForGood, faultsOnce, sweepFaults } from './disk-sweep.ts';
import { sample, seed } from './random.ts';
import { IN_FILES } from './scenarios.ts';

/** A sample of disk.full.test.ts. */
const bench = await openBench();

test('survives one disk failure anywhere in a rotation', { timeout: 600_000 }, async () => {
  const { findings, calls, told } = await sweepFaults(bench, IN_FILES, (calls) =>
    sample(faultsOnce(calls), 12),
  );
  process.stdout.write(`disk: ${calls} calls, ${JSON.stringify(told)}, CRASH_SEED=${seed}\n`);
  expect(findings).toEqual([]);
  // Both kinds of results must occur, or nothing has failed.
  expect(told.done).toBeGreaterThan(0);
  expect(told.failed).toBeGreaterThan(0);
});

test(
  "survives a permanent failure of the certificates' disk anywhere in a rotation",
  { timeout: 600_000 },
  async () => {
    const { findings, told } = await sweepFaults(bench, IN_FILES, (calls) =>
      sample(faultsForGood(calls, '/etc'), 8),
    );
    process.stdout.write(`disk for good: ${JSON.stringify(told)}, CRASH_SEED=${seed}\n`);
    expect(findings).toEqual([]);
    expect(told.failed).toBeGreaterThan(0);
  },
);
