import { expect, test } from 'vitest';
import { createSlowClock, type Due } from '../../../agent/daemon/slow-clock.ts';
import { seededRandom } from '../../crash/random.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Makes a clock that the test advances; a suspend stops only the monotonic one. */
function createClock() {
  let elapsed = 5000;
  let offset = Date.UTC(2026, 0, 1);
  return {
    now: () => elapsed + offset,
    elapsed: () => elapsed,
    run: (ms: number): void => void (elapsed += ms),
    move: (ms: number): void => void (offset += ms),
  };
}

/** Polls every half minute, like the loop. */
function poll(
  clock: ReturnType<typeof createClock>,
  slow: { due(): Due | undefined },
  ms: number,
): [number, Due][] {
  const seen: [number, Due][] = [];
  const start = clock.elapsed();
  for (; clock.elapsed() - start < ms; clock.run(30_000)) {
    const why = slow.due();
    if (why) seen.push([clock.elapsed() - start, why]);
  }
  return seen;
}

test('is due at the start and then once per interval', () => {
  const clock = createClock();
  const slow = createSlowClock(clock, 6 * HOUR, () => 0.5);
  expect(poll(clock, slow, DAY)).toEqual([
    [0, 'start'],
    [3 * HOUR, 'interval'],
    [9 * HOUR, 'interval'],
    [15 * HOUR, 'interval'],
    [21 * HOUR, 'interval'],
  ]);
});

test('keeps each interval within a quarter of the mean', () => {
  for (const [random, hours] of [
    [0, 4.5],
    [0.999_999, 7.5],
  ] as const) {
    const clock = createClock();
    const slow = createSlowClock(clock, 6 * HOUR, () => random);
    const [, first, second] = poll(clock, slow, 15 * HOUR).map(([at]) => at);
    expect((second ?? 0) - (first ?? 0)).toBe(hours * HOUR);
  }
});

test('spreads the next looks of 2,000 nodes that start or resume at once, and keeps them spread', () => {
  const random = seededRandom(20_261_129);
  const looks = Array.from({ length: 2000 }, () => {
    const clock = createClock();
    const slow = createSlowClock(clock, 6 * HOUR, random);
    const seen = poll(clock, slow, DAY);
    clock.move(30 * DAY);
    return [...seen, ...poll(clock, slow, DAY).map(([at, why]) => [at + DAY, why] as const)];
  })
    .flat()
    .flatMap(([at, why]) => (why === 'interval' ? [at] : []));
  const windowMs = 10 * MINUTE;
  const counts = Map.groupBy(looks, (at) => Math.floor(at / windowMs));
  // A window of ten seconds holds one look of 2,000 nodes.
  const mean = (looks.length * windowMs) / (2 * DAY);
  expect(counts.size).toBe((2 * DAY) / windowMs);
  expect(Math.max(...[...counts.values()].map(({ length }) => length)) / mean).toBeLessThan(2);
});

test.each([
  ['a suspend of 30 days', 30 * DAY],
  ['a suspend of three years', 3 * 365 * DAY],
  ['a clock that is set back a year', -365 * DAY],
  ['a clock that is set forward two minutes', 2 * MINUTE],
])('is due once at the next poll after %s', (_, ms) => {
  const clock = createClock();
  const slow = createSlowClock(clock, 6 * HOUR, () => 0.5);
  poll(clock, slow, HOUR);
  clock.move(ms);
  expect(poll(clock, slow, 2 * HOUR)).toEqual([[0, 'clock-moved']]);
});

test('ignores a clock that is slewed between polls', () => {
  const clock = createClock();
  const slow = createSlowClock(clock, 6 * HOUR, () => 0.5);
  slow.due();
  for (let times = 0; times < 20; times += 1) {
    clock.run(30_000);
    clock.move(15);
    expect(slow.due()).toBeUndefined();
  }
});

test('is due at a requested time, and then a whole interval later', () => {
  const clock = createClock();
  const slow = createSlowClock(clock, 6 * HOUR, () => 0.5);
  slow.due();
  slow.wakeAt(clock.now() + 2 * HOUR);
  expect(poll(clock, slow, 9 * HOUR)).toEqual([
    [2 * HOUR, 'moment'],
    [8 * HOUR, 'interval'],
  ]);
});
