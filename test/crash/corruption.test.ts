import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, createBench } from './bench.ts';
import { cutTo, EMPTY, flip, MOMENTS, sweepDamages, ZEROES } from './corruption.ts';
import { seed, seededRandom } from './random.ts';

/** One kind of damage at each moment; corruption.full.test.ts has more. */
let bench: Bench;
const random = seededRandom(seed);
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.close();
});

test('recovers from a damaged state file', { timeout: 600_000 }, async () => {
  const cases = MOMENTS.map((moment) => {
    const kinds = [cutTo(random()), flip(random(), Math.floor(random() * 8)), EMPTY, ZEROES];
    return [moment, kinds[Math.floor(random() * kinds.length)] ?? EMPTY] as const;
  });
  expect(await sweepDamages(bench, cases), `CRASH_SEED=${seed}`).toEqual([]);
});
