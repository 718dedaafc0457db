import { expect, onTestFinished, test } from 'vitest';
import { routineLoginAt } from '../../agent/upkeep/login.ts';
import { shareOf } from '../../agent/upkeep/share.ts';
import { renewalMoment } from '../../src/certificates/renewal-window.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { type Fleet, startFleet } from './support/fleet.ts';
import { createSite } from './support/site.ts';

/** 2,000 nodes of a cluster with the default intervals, on one clock that the test advances. */
const NODES = 2000;
const POLL = { min_seconds: 1, max_seconds: 30 };
const WINDOW_MS = 10_000;
const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const CERTIFICATE = { validFromDate: new Date(0), validToDate: new Date(365 * DAY) };
/** A certificate is renewed in the first half of its last 30 days. */
const CERTIFICATE_WINDOW = 335 * DAY;

const cloud = await cloudForFile();

async function fleet(): Promise<Fleet> {
  const site = await createSite(cloud, { config: { poll: POLL } });
  const made = await startFleet(await site.start(), { size: NODES, seed: 20_261_129 });
  onTestFinished(made.stop);
  return made;
}

/** The events in the fullest window, as a multiple of the mean from `from` to `to`. */
function peakToMean(events: readonly number[], from: number, to: number, windowMs = WINDOW_MS): number {
  const between = events.filter((at) => at >= from && at < to).toSorted((a, b) => a - b);
  let peak = 0;
  for (let first = 0, last = 0; last < between.length; last += 1) {
    while ((between[last] ?? 0) - (between[first] ?? 0) >= windowMs) first += 1;
    peak = Math.max(peak, last - first + 1);
  }
  return peak / ((between.length * windowMs) / (to - from));
}

/** 60,000 passes take ten seconds of CPU. */
const PATIENCE = { timeout: 300_000 };

test(
  'spreads the polls of 2,000 nodes: at a simultaneous start, while Heat is down for ten minutes, and after that',
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

// At one look per 43 seconds, a window of ten seconds contains at most one, whatever the mean.
test.each([
  ['logins', DAY, (share: number) => routineLoginAt({ since: 0, refusals: 0, roles: [] }, 0, share)],
  ['renewals', 15 * DAY, (share: number) => renewalMoment(CERTIFICATE, share) - CERTIFICATE_WINDOW],
] as const)('spreads the %s of 2,000 nodes evenly', (_, spanMs, momentOf) => {
  const moments = Array.from({ length: NODES }, (__, index) =>
    momentOf(shareOf('6e1c1e0e-cluster', `k1-abcdefghijkl-node-${index}`)),
  );
  expect(peakToMean(moments, 0, spanMs, WINDOW_MS)).toBeLessThanOrEqual(spanMs / (NODES * WINDOW_MS));
  expect(peakToMean(moments, 0, spanMs, (10 * spanMs) / NODES)).toBeLessThan(2);
});
