import { afterAll, beforeAll, test } from 'vitest';
import { type Bench, createBench } from './bench.ts';
import { doubleKills, killsAtMoments, powerCuts, stopsAtMoments } from './other-kills.ts';
import { seed, seededRandom } from './random.ts';
import { GOING_BACK, IN_FILES, SCENARIOS } from './scenarios.ts';
import { plainRunTakes, say, sweep } from './sweep.ts';

/** Enough of what is left to chance; CRASH_SEED takes the same chances again. */
let bench: Bench;
const random = seededRandom(seed);
const HOURS = { timeout: 3 * 3_600_000 };
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.close();
});

test.each(SCENARIOS)('killed, and killed again while it recovers: %s', HOURS, async (name, scenario) => {
  say(`double kills, ${name}`, await sweep(bench, scenario, doubleKills(50, random)));
});

test.each(SCENARIOS)('power cut, what was not synced is lost: %s', HOURS, async (name, scenario) => {
  say(`power cuts, ${name}`, await sweep(bench, scenario, powerCuts(100, random)));
});

test.each([
  ['going forward', IN_FILES],
  ['going back', GOING_BACK],
] as const)('killed at moments that have nothing to do with its steps: %s', HOURS, async (name, scenario) => {
  const ms = await plainRunTakes(bench, scenario);
  say(`moments, ${name}`, await sweep(bench, scenario, () => killsAtMoments(100, random, ms)));
});

test('asked to stop at such moments', HOURS, async () => {
  const ms = await plainRunTakes(bench, IN_FILES);
  say('stops', await sweep(bench, IN_FILES, () => stopsAtMoments(60, random, ms)));
});
