import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { seed, seededRandom } from './random.ts';
import { IN_FILES, IN_KUBECONFIGS } from './scenarios.ts';
import { sweepTwoFaults, twoFaults } from './second-fault.ts';

/** A kill at each of the steps, followed by another fault. */
const bench = await openBench();

test.each([
  ['a master with its certificates in files', IN_FILES],
  ['a master with kubeconfigs', IN_KUBECONFIGS],
])('%s', { timeout: 3 * 3_600_000 }, async (name, scenario) => {
  const random = seededRandom(seed);
  const { findings, told } = await sweepTwoFaults(bench, scenario, (points) =>
    twoFaults(scenario, points, 2 * points.length, random),
  );
  process.stdout.write(`${name}: ${JSON.stringify(told)}, CRASH_SEED=${seed}\n`);
  expect(findings).toEqual([]);
});
