import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, createBench } from './bench.ts';
import { sweepRevocation } from './revoke-case.ts';

/** A list of revoked certificates is in place and answered for, whatever happens to the agent on the way. */
let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.close();
});

test('killed at each of its steps', { timeout: 1_800_000 }, async () => {
  expect(await sweepRevocation(bench, (kills) => [...kills])).toBeGreaterThan(40);
});
