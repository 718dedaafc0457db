import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, createBench } from './bench.ts';
import { cutTo, EMPTY, flip, MOMENTS, sweepDamages, ZEROES } from './corruption.ts';
import { seed, seededRandom } from './random.ts';

const TIMES = 12;
let bench: Bench;
const random = seededRandom(seed);
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.close();
});

test.each(MOMENTS)('recovers from damage: $name', { timeout: 3_600_000 }, async (moment) => {
  const shares = Array.from({ length: TIMES }, (_, index) => index / TIMES);
  const damages = [
    ...shares.map(cutTo),
    ...shares.map((share) => flip(share + random() / TIMES, Math.floor(random() * 8))),
    EMPTY,
    ZEROES,
  ];
  const cases = damages.map((damage) => [moment, damage] as const);
  expect(await sweepDamages(bench, cases), `CRASH_SEED=${seed}`).toEqual([]);
});
