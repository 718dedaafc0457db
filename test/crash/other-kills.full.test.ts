import { afterAll, beforeAll, test } from 'vitest';
import { type Bench, createBench } from './bench.ts';
import { doubleKills, killsAtMoments, powerCuts, stopsAtMoments, stopsAtSteps } from './other-kills.ts';
import { seed, seededRandom } from './random.ts';
import { GOING_BACK, IN_FILES, SCENARIOS } from './scenarios.ts';
import { plainRunTakes, say, sweep } from './sweep.ts';

/** Enough random cases; CRASH_SEED repeats the same ones. */
let bench: Bench;
const random = seededRandom(seed);
const HOURS = { timeout: 3 * 3_600_000 };
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.close();
});

test.each(SCENARIOS)(
  'recovers from a kill, and from another during the recovery: %s',
  HOURS,
  async (name, scenario) => {
    say(`double kills, ${name}`, await sweep(bench, scenario, doubleKills(50, random)));
  },
);

test.each(SCENARIOS)(
  'recovers from a power failure with lost unsynced changes: %s',
  HOURS,
  async (name, scenario) => {
    say(`power cuts, ${name}`, await sweep(bench, scenario, powerCuts(100, random)));
  },
);

test.each([
  ['going forward', IN_FILES],
  ['going back', GOING_BACK],
] as const)('recovers from kills at times independent of its steps: %s', HOURS, async (name, scenario) => {
  const ms = await plainRunTakes(bench, scenario);
  say(`moments, ${name}`, await sweep(bench, scenario, () => killsAtMoments(100, random, ms)));
});

test('stops cleanly at such times', HOURS, async () => {
  const ms = await plainRunTakes(bench, IN_FILES);
  say('stops', await sweep(bench, IN_FILES, () => stopsAtMoments(60, random, ms)));
});

test('stops cleanly at any of its steps', HOURS, async () => {
  say('stops at steps', await sweep(bench, IN_FILES, stopsAtSteps(100, random)));
});
