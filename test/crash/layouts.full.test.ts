import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, createBench } from './bench.ts';
import { killAt } from './kill.ts';
import { distinctPoints } from './points.ts';
import { OTHER_LAYOUTS } from './scenarios.ts';
import { say, sweep } from './sweep.ts';

/** Every point of a rotation in the layouts that kills.full.test.ts has not. */
let bench: Bench;
const HOURS = { timeout: 3 * 3_600_000 };
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.close();
});

test.each(OTHER_LAYOUTS)('killed at each of its steps: %s', HOURS, async (name, scenario) => {
  const result = await sweep(bench, scenario, ({ points }) =>
    distinctPoints(points).map((point) => [killAt(point)]),
  );
  expect(result.reference.points.length).toBeGreaterThanOrEqual(60);
  say(name, result);
});
