import { onTestFinished, expect, test } from 'vitest';
import { fingerprint } from '../../src/certificates/read.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { NEVER } from '../src/support/clock.ts';
import { certificateAt, isSignedBy } from './support/certificates.ts';
import { runLoop } from './support/daemon.ts';
import { logged } from './support/logged.ts';
import { createSite, type Site } from './support/site.ts';

/** The daemon's own loop and clock, through ten years of a master. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const KUBELET = '/etc/kubernetes/certs/kubelet.crt';

/** What happens between two passes; times in milliseconds. */
type Event =
  | { do: 'run'; ms: number }
  /** The monotonic clock stands still. */
  | { do: 'suspend'; ms: number }
  /** A person or a bad battery sets the node's clock; the cloud's goes on. */
  | { do: 'set clock'; ms: number }
  | { do: 'rotate' };

/** Makes a master and a cloud whose time begins ten years ago. */
async function createYoungSite(validityDays: number, leafDays: number): Promise<World> {
  let wrongMs = 0;
  let now = (): number => Date.now() - 10 * YEAR;
  const cloud = await startCloud({ now: () => now() });
  onTestFinished(cloud.close);
  const site = await createSite(cloud, {
    role: 'master',
    ageMs: 10 * YEAR,
    validity: { validityDays, leafDays },
    config: { rotation: { phase: 'all' } },
  });
  now = () => site.clock.now() - wrongMs;
  const happens = async (event: Event): Promise<void> => {
    if (event.do === 'rotate') await cloud.rotateCa(site.cluster);
    else if (event.do === 'run') await site.clock.sleep(event.ms, NEVER);
    else site.clock.jump(event.ms);
    if (event.do === 'set clock') wrongMs += event.ms;
  };
  return { site, cloud, happens, isWrong: () => wrongMs !== 0 };
}
type World = { site: Site; cloud: Cloud; happens(event: Event): Promise<void>; isWrong(): boolean };

const running = (ms: number, stepMs: number): Event[] =>
  Array.from({ length: Math.round(ms / stepMs) }, () => ({ do: 'run', ms: stepMs }));

/** The node's certificates without its CAs, each with its dates. */
async function leavesOf(site: Site): Promise<{ mark: string; from: number; to: number }[]> {
  const files = await site.files('/etc/kubernetes/certs');
  return [...files.keys()]
    .filter((path) => path.endsWith('.crt') && !path.endsWith('ca.crt'))
    .map((path) => certificateAt(files, path))
    .map((one) => ({
      mark: fingerprint(one),
      from: one.validFromDate.getTime(),
      to: one.validToDate.getTime(),
    }));
}

test('through suspends, jumps of the clock and the end of a CA, no pass leaves an expired certificate', async () => {
  const caMs = 9 * YEAR;
  const world = await createYoungSite(caMs / DAY, 365);
  const { site } = world;
  const awake = (ms: number): Event[] => running(ms, 10 * DAY);
  const wrong = (ms: number): Event[] => [
    { do: 'set clock', ms },
    ...running(2 * DAY, DAY),
    { do: 'set clock', ms: -ms },
  ];
  const before: Event[] = [
    ...awake(400 * DAY),
    { do: 'suspend', ms: 30 * DAY },
    ...awake(100 * DAY),
    ...wrong(2 * YEAR),
    ...wrong(-400 * DAY),
    ...awake(200 * DAY),
    { do: 'suspend', ms: YEAR },
    ...awake(400 * DAY),
    { do: 'suspend', ms: 3 * YEAR },
  ];
  const lived = before.reduce(
    (sum, one) => sum + (one.do === 'rotate' || one.do === 'set clock' ? 0 : one.ms),
    0,
  );
  const events: Event[] = [...before, ...awake(caMs - lived - 15 * DAY), { do: 'rotate' }, ...awake(YEAR)];
  const begun = site.clock.now();
  const [former] = [site.cluster.ca.kubernetes];
  let trusted = await leavesOf(site);
  const faults: string[] = [];
  await runLoop(site, {
    times: events.length + 1,
    before: async (wait) => {
      const leaves = await leavesOf(site);
      const now = site.clock.now();
      const at = `day ${Math.round((now - begun) / DAY)}`;
      if (world.isWrong()) {
        if (JSON.stringify(leaves) !== JSON.stringify(trusted))
          faults.push(`${at}: renewed by a wrong clock`);
      } else if (leaves.some(({ from, to }) => from > now || to <= now)) faults.push(`${at}: not valid`);
      trusted = leaves;
      const event = events[wait - 1];
      if (event) await world.happens(event);
    },
  });
  expect(faults).toEqual([]);
  expect(site.clock.now() - begun).toBeGreaterThanOrEqual(9.9 * YEAR);

  const renewals = logged(site.log, 'renewal-started');
  const because = renewals.map((line) => line['because']);
  // Each long suspend outlasts the certificates.
  expect(because.filter((one) => one === 'expired')).toHaveLength(2);
  expect(because.filter((one) => one === 'ends').length).toBeGreaterThanOrEqual(4);
  expect(renewals.length).toBeLessThanOrEqual(12);
  expect(logged(site.log, 'renewal-succeeded').length + logged(site.log, 'renewal-useless').length).toBe(
    renewals.length,
  );
  const told = [...logged(site.log, 'differs'), ...logged(site.log, 'differs-critical')].map(
    ({ difference }) => difference,
  );
  expect(told).toEqual(expect.arrayContaining(['clock-off', 'authority-ends-soon', 'authority-ends']));
  expect(site.cluster.ca.kubernetes).not.toBe(former);
  expect(isSignedBy(certificateAt(await site.files(), KUBELET), site.cluster.ca.kubernetes)).toBe(true);
}, 600_000);

test('with a Magnum that signs for an hour, renews once a day, and reports what has expired', async () => {
  const { site, cloud, happens } = await createYoungSite(20 * 365, 1 / 24);
  const events = running(5 * DAY, HOUR);
  const signatures = (): number =>
    cloud.requests.filter(({ service, method }) => service === 'magnum' && method === 'POST').length;
  const perSet = signatures();
  const times: number[] = [];
  await runLoop(site, {
    times: events.length + 1,
    before: async (wait) => {
      const started = logged(site.log, 'renewal-started').length;
      while (times.length < started) times.push(site.clock.now());
      const event = events[wait - 1];
      if (event) await happens(event);
    },
  });
  expect(times.length).toBeGreaterThanOrEqual(4);
  // A look takes place hours apart.
  for (const [index, time] of times.slice(1).entries())
    expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(DAY - HOUR);
  expect(logged(site.log, 'differs-critical').map(({ difference }) => difference)).toContain('expired');
  expect(signatures()).toBe((1 + logged(site.log, 'renewal-started').length) * perSet);
}, 300_000);
