import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { sample } from './random.ts';
import { sweepRevocation } from './revoke-case.ts';

/** A revocation list is installed and answered, wherever the agent is killed. */
const bench = await openBench();

test('completes after a kill at some of its steps', { timeout: 300_000 }, async () => {
  expect(await sweepRevocation(bench, (kills) => sample(kills, 10))).toBeGreaterThan(40);
});
