import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, createBench } from './bench.ts';
import { killAt } from './kill.ts';
import { doubleKills, killsAtMoments, powerCuts, stopsAtMoments, stopsAtSteps } from './other-kills.ts';
import { sample, seed, seededRandom } from './random.ts';
import { distinctPoints } from './points.ts';
import {
  CREDENTIALS,
  CREDENTIALS_GOING_BACK,
  GOING_BACK,
  IN_FILES,
  IN_KUBECONFIGS,
  KUBEADM,
  SWARM,
} from './scenarios.ts';
import { plainRunTakes, say, sweep } from './sweep.ts';

/** A sample of kills.full.test.ts; CRASH_SEED repeats the same sample. */
let bench: Bench;
const random = seededRandom(seed);
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.close();
});

test.each([
  ['a master with its certificates in files', IN_FILES, 10],
  ['a master with kubeconfigs', IN_KUBECONFIGS, 4],
  ['a rotation that fails and rolls back', GOING_BACK, 8],
  ["a master with kubeadm's files", KUBEADM, 3],
  ['a node of a swarm', SWARM, 3],
  ['other credentials', CREDENTIALS, 6],
  ['other credentials that are rolled back', CREDENTIALS_GOING_BACK, 5],
])('recovers from a kill at one of its steps: %s', { timeout: 600_000 }, async (name, scenario, size) => {
  const result = await sweep(bench, scenario, ({ points }) =>
    sample(distinctPoints(points), size).map((point) => [killAt(point)]),
  );
  expect(result.reference.points.length).toBeGreaterThanOrEqual(60);
  say(name, result);
});

test('recovers from a kill, and from another during the recovery', { timeout: 600_000 }, async () => {
  say('double kills', await sweep(bench, IN_FILES, doubleKills(4, random)));
});

test('recovers from a power failure with lost unsynced changes', { timeout: 600_000 }, async () => {
  say('power cuts', await sweep(bench, IN_FILES, powerCuts(6, random)));
});

test('recovers from kills at times independent of its steps', { timeout: 600_000 }, async () => {
  const ms = await plainRunTakes(bench, IN_FILES);
  say('moments', await sweep(bench, IN_FILES, () => killsAtMoments(4, random, ms)));
});

test('stops cleanly at such times', { timeout: 600_000 }, async () => {
  const ms = await plainRunTakes(bench, IN_FILES);
  say('stops', await sweep(bench, IN_FILES, () => stopsAtMoments(3, random, ms)));
});

test('stops cleanly at any of its steps', { timeout: 600_000 }, async () => {
  say('stops at steps', await sweep(bench, IN_FILES, stopsAtSteps(6, random)));
});
