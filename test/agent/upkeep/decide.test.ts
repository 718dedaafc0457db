import { describe, expect, test } from 'vitest';
import { decide, type Situation } from '../../../agent/upkeep/decide.ts';
import { usableUntil } from '../../../src/certificates/renewal-window.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const NOW = Date.UTC(2026, 5, 1);

type Leaf = Situation['leaves'][number];

/** Only dates matter here. */
const dated = (from: number, to: number): Leaf['certificate'] => ({
  validFromDate: new Date(from),
  validToDate: new Date(to),
});
const ends = (end: number, { life = YEAR, ca = NOW + 10 * YEAR } = {}): Leaf => ({
  certificate: dated(end - life, end),
  authority: dated(NOW - YEAR, ca),
});
const situation = (of: Partial<Situation>): Situation => ({
  mode: 'renew',
  leaves: [],
  differences: [],
  now: NOW,
  skewMs: 0,
  share: 0,
  rotation: { is: 'none' },
  record: {},
  ...of,
});

describe('a certificate', () => {
  test.each([
    ['with 31 days left is not renewed yet', 31 * DAY, YEAR, false],
    ['with 30 days left is renewed', 30 * DAY, YEAR, true],
    ['of 30 days is renewed with 10 days left', 10 * DAY, 30 * DAY, true],
    ['of 30 days is not renewed yet with 11 days left', 11 * DAY, 30 * DAY, false],
  ])('%s', (_, left, life, isRenewed) => {
    const { is } = decide(situation({ leaves: [ends(NOW + left, { life })] }));
    expect(is).toBe(isRenewed ? 'renew' : 'wait');
  });

  test("is renewed at the node's share of the first half of the window", () => {
    const end = NOW + 31 * DAY;
    for (const share of [0, 0.5, 0.999]) {
      const decision = decide(situation({ leaves: [ends(end)], share }));
      expect(decision).toEqual({ is: 'wait', until: end - 30 * DAY + share * 15 * DAY });
    }
  });

  test('that lasts as long as its CA is not renewed: a new one would expire at the same time', () => {
    const leaf = ends(NOW + 10 * DAY, { ca: NOW + 10 * DAY });
    expect(decide(situation({ leaves: [leaf] }))).toEqual({ is: 'wait', until: undefined });
    expect(decide(situation({ leaves: [ends(NOW + 40 * DAY, { ca: NOW + 10 * DAY })] })).is).toBe('wait');
  });

  test.each(['report', 'renew', 'all'] as const)('that has expired is renewed with reconcile: %s', (mode) => {
    const leaves = [ends(NOW - YEAR)];
    expect(decide(situation({ mode, leaves }))).toEqual({ is: 'renew', because: 'expired' });
  });

  test('of an expired CA is left to a rotation', () => {
    expect(decide(situation({ leaves: [ends(NOW - DAY, { ca: NOW - DAY })] })).is).toBe('wait');
  });
});

describe('nothing is renewed', () => {
  const leaves = [ends(NOW - DAY)];
  test.each([6 * 60_000, -6 * 60_000, 10 * YEAR])('with a clock that is off by %i ms', (skewMs) => {
    expect(decide(situation({ leaves, skewMs })).is).toBe('wait');
  });
  test('if Magnum serves another CA', () => {
    expect(decide(situation({ leaves, differences: [{ code: 'authority-differs' }] })).is).toBe('wait');
  });
  test('a second time within a day, unless the first try was killed', () => {
    const renewal = { startedAt: NOW - 2 * HOUR, starts: 0, endedAt: NOW - HOUR };
    const later = { is: 'wait', until: NOW + 23 * HOUR };
    expect(decide(situation({ leaves, record: { renewal } }))).toEqual(later);
    const killed = { startedAt: NOW - HOUR, starts: 1 };
    expect(decide(situation({ leaves, record: { renewal: killed } })).is).toBe('renew');
    const always = { ...killed, starts: 5 };
    expect(decide(situation({ leaves, record: { renewal: always } }))).toEqual(later);
  });
  test.each([
    [1, 6],
    [2, 12],
    [3, 24],
    [9, 24],
  ])('after %i refusals of the login within %i hours', (refusals, hours) => {
    const login = { since: 0, triedAt: NOW - HOUR, refusals, roles: [] };
    const decision = decide(situation({ leaves, record: { login } }));
    expect(decision).toEqual({ is: 'wait', until: NOW + (hours - 1) * HOUR });
  });
});

describe('a rotation that this node follows by itself', () => {
  const leaves = [ends(NOW - DAY)];
  const underWay = { is: 'under-way', until: NOW + 3 * DAY } as const;
  test('comes before a renewal, until the rotation has had all its time', () => {
    expect(decide(situation({ leaves, rotation: underWay }))).toEqual({
      is: 'await-rotation',
      until: underWay.until,
    });
    const begun = decide(situation({ leaves, rotation: { ...underWay, until: Infinity } }));
    expect(begun).toEqual({ is: 'await-rotation', until: undefined });
    expect(decide(situation({ leaves, rotation: { ...underWay, until: NOW } })).is).toBe('renew');
  });
  test('delays nothing if no renewal is due', () => {
    expect(decide(situation({ leaves: [ends(NOW + YEAR)], rotation: underWay })).is).toBe('wait');
  });
  test('leaves the renewal free at its end', () => {
    const record = { awaitsRotation: NOW - HOUR };
    const until = NOW + 23 * HOUR;
    const waits = { is: 'await-rotation', until };
    expect(decide(situation({ leaves, record }))).toEqual(waits);
    expect(decide(situation({ leaves, record, rotation: { is: 'ended', at: NOW - DAY } }))).toEqual(waits);
    const rotation = { is: 'ended', at: NOW } as const;
    expect(decide(situation({ leaves, record, rotation })).is).toBe('renew');
  });
  test('is awaited for a day if it does not come', () => {
    const record = { awaitsRotation: NOW - DAY };
    expect(decide(situation({ leaves, record })).is).toBe('renew');
    // It was written with a wrong clock.
    expect(decide(situation({ leaves, record: { awaitsRotation: NOW + YEAR } })).is).toBe('renew');
  });
});

test.each([
  ['report', false],
  ['renew', false],
  ['all', true],
] as const)('with reconcile: %s, repairs other differences: %s', (mode, isMended) => {
  for (const code of ['names-differ', 'key-mismatch', 'missing', 'presents-another'] as const) {
    const decision = decide(situation({ mode, leaves: [ends(NOW + YEAR)], differences: [{ code }] }));
    expect(decision.is).toBe(isMended ? 'renew' : 'wait');
  }
});

/**
 * Simulates a node over years, inspected every six hours while awake. Magnum signs for `term`, and its CA expires at
 * `ca`.
 *
 * @returns the times of renewals, and how long no certificate was valid while the node was awake
 */
function live({
  years,
  term,
  ca,
  awake = () => true,
  skewAt = () => 0,
}: {
  years: number;
  term: number;
  ca: number;
  awake?: (now: number) => boolean;
  skewAt?: (now: number) => number;
}): { renewals: number[]; expiredMs: number } {
  const authority = dated(NOW - DAY, ca);
  const sign = (now: number): Leaf => ({ certificate: dated(now - DAY, now + term), authority });
  let leaf = sign(NOW);
  let renewal: Situation['record']['renewal'];
  const renewals: number[] = [];
  let expiredMs = 0;
  for (let now = NOW; now < NOW + years * YEAR; now += 6 * HOUR) {
    if (!awake(now)) continue;
    const skewMs = skewAt(now);
    const seen = now + skewMs;
    const decision = decide(
      situation({ leaves: [leaf], now: seen, skewMs, share: 0.3, record: { renewal } }),
    );
    if (decision.is === 'renew') {
      const next = sign(now);
      const isLonger = usableUntil(next.certificate, authority) > usableUntil(leaf.certificate, authority);
      if (isLonger) {
        leaf = next;
        renewals.push(now);
      }
      renewal = { startedAt: now, starts: 0, endedAt: now };
    }
    if (usableUntil(leaf.certificate, authority) < now) expiredMs += 6 * HOUR;
  }
  return { renewals, expiredMs };
}

const gaps = (moments: readonly number[]): number[] =>
  moments.slice(1).map((moment, index) => moment - (moments[index] ?? 0));

describe('ten years', () => {
  const FAR = NOW + 20 * YEAR;

  test('with one-year certificates: one renewal a year, and none ever expires', () => {
    const { renewals, expiredMs } = live({ years: 10, term: YEAR, ca: FAR });
    expect(expiredMs).toBe(0);
    expect(renewals).toHaveLength(10);
  });

  test.each([30 * DAY, YEAR, 3 * YEAR])(
    'with a suspend of %i ms: the first inspection afterwards catches up',
    (ms) => {
      const awake = (now: number): boolean => now < NOW + YEAR || now >= NOW + YEAR + ms;
      const { renewals, expiredMs } = live({ years: 10, term: YEAR, ca: FAR, awake });
      expect(expiredMs).toBe(0);
      // A month falls into the window of the first certificate, which is renewed by then.
      if (ms > 30 * DAY) expect(renewals).toContain(NOW + YEAR + ms);
    },
  );

  test.each([2 * YEAR, -2 * YEAR])(
    'with a clock that is wrong by %i ms for a month: nothing happens during it',
    (ms) => {
      const isWrong = (now: number): boolean => now >= NOW + 2 * YEAR && now < NOW + 2 * YEAR + 30 * DAY;
      const skewAt = (now: number): number => (isWrong(now) ? ms : 0);
      const { renewals, expiredMs } = live({ years: 10, term: YEAR, ca: FAR, skewAt });
      expect(renewals.filter(isWrong)).toEqual([]);
      expect(expiredMs).toBe(0);
    },
  );

  test('with an expiring CA: renews up to its end, and not more often', () => {
    const ca = NOW + 5 * YEAR;
    const { renewals } = live({ years: 10, term: 2 * YEAR, ca });
    expect(renewals).toHaveLength(2);
    expect(renewals.every((moment) => moment < ca)).toBe(true);
    expect(live({ years: 10, term: 5 * YEAR, ca }).renewals).toEqual([]);
  });

  test('with one-hour certificates: at most one renewal a day', () => {
    const { renewals } = live({ years: 10, term: HOUR, ca: FAR });
    expect(renewals.length).toBeGreaterThan(3600);
    expect(Math.min(...gaps(renewals))).toBeGreaterThanOrEqual(DAY);
  });
});
