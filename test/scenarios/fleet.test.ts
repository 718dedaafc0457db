import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { type Fleet, startFleet } from './support/fleet.ts';
import { createSite } from './support/site.ts';

/** 2,000 nodes of a cluster with the intervals of the default configuration, on one clock that the test moves. */
const NODES = 2000;
const POLL = { min_seconds: 1, max_seconds: 30 };
const WINDOW_MS = 10_000;
const MINUTE = 60_000;

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(async () => {
  await cloud.close();
});

async function fleet(): Promise<Fleet> {
  const site = await createSite(cloud, { config: { poll: POLL } });
  const made = await startFleet(await site.start(), { size: NODES, seed: 20_261_129 });
  onTestFinished(made.stop);
  return made;
}

/** The polls of the fullest ten seconds, as a multiple of the mean over the time from `from` to `to`. */
function peakToMean(polls: readonly number[], from: number, to: number): number {
  const between = polls.filter((at) => at >= from && at < to);
  let peak = 0;
  for (let first = 0, last = 0; last < between.length; last += 1) {
    while ((between[last] ?? 0) - (between[first] ?? 0) >= WINDOW_MS) first += 1;
    peak = Math.max(peak, last - first + 1);
  }
  return peak / ((between.length * WINDOW_MS) / (to - from));
}

/** 60,000 passes take ten seconds of CPU. */
const PATIENCE = { timeout: 300_000 };

test(
  '2,000 nodes poll evenly: when all start at once, while Heat is away for ten minutes, and when it is back',
  PATIENCE,
  async () => {
    const nodes = await fleet();
    const during = async (minutes: number): Promise<number> => {
      const from = nodes.now();
      await nodes.run(minutes * MINUTE);
      return peakToMean(nodes.polls, from, nodes.now());
    };
    expect.soft(await during(2), 'all start at once').toBeLessThan(2);
    nodes.isUp = false;
    expect.soft(await during(10), 'Heat is away').toBeLessThan(2);
    nodes.isUp = true;
    expect.soft(await during(2), 'Heat is back').toBeLessThan(2);
  },
);
