import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { sweepRevocation } from './revoke-case.ts';

/** A revocation list is installed and answered, wherever the agent is killed. */
const bench = await openBench();

test('completes after a kill at each of its steps', { timeout: 1_800_000 }, async () => {
  expect(await sweepRevocation(bench, (kills) => [...kills])).toBeGreaterThan(40);
});
