import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { sweepRevocation } from './revoke-case.ts';

/** A list of revoked certificates is in place and answered for, whatever happens to the agent on the way. */
const bench = await openBench();

test('killed at each of its steps', { timeout: 1_800_000 }, async () => {
  expect(await sweepRevocation(bench, (kills) => [...kills])).toBeGreaterThan(40);
});
