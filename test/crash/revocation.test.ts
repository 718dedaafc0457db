import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { sample } from './random.ts';
import { sweepRevocation } from './revoke-case.ts';

/** A list of revoked certificates is in place and answered for, whatever happens to the agent on the way. */
const bench = await openBench();

test('killed at some of its steps', { timeout: 300_000 }, async () => {
  expect(await sweepRevocation(bench, (kills) => sample(kills, 10))).toBeGreaterThan(40);
});
