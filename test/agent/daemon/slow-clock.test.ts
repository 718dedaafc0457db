import { expect, test } from 'vitest';
import { createSlowClock, type Due } from '../../../agent/daemon/slow-clock.ts';

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
    [6 * HOUR, 'interval'],
    [12 * HOUR, 'interval'],
    [18 * HOUR, 'interval'],
  ]);
});

test('keeps each interval within a quarter of the mean', () => {
  for (const [random, hours] of [
    [0, 4.5],
    [0.999_999, 7.5],
  ] as const) {
    const clock = createClock();
    const slow = createSlowClock(clock, 6 * HOUR, () => random);
    expect(poll(clock, slow, 8 * HOUR)[1]).toEqual([hours * HOUR, 'interval']);
  }
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
  expect(poll(clock, slow, 5 * HOUR)).toEqual([[0, 'clock-moved']]);
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
