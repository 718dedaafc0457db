import { expect, test } from 'vitest';
import { type Activity, isAwaited, isComing, isUnderWay } from '../../../agent/inspection/under-way.ts';

const MINUTE = 60_000;
const NOW = Date.parse('2026-11-29T02:20:00Z');
const DAEMON = { name: 'agent run (pid 7)', verb: 'run', since: NOW - 900 * MINUTE };
const started = (at: string): { state: 'started'; at: Record<string, string> } => ({
  state: 'started',
  at: { accepted: '2026-11-29T01:00:00Z', started: at },
});
const base = { holder: DAEMON, entries: [], now: NOW, deadlineMs: 20 * MINUTE };

test.each([
  [
    'the daemon works on a deployment within its deadline',
    { entries: [started('2026-11-29T02:10:00Z')] },
    true,
  ],
  ['the deadline has passed', { entries: [started('2026-11-29T01:59:00Z')] }, false],
  ['the daemon waits for the next poll', {}, false],
  ['no process holds the lock', { holder: undefined, entries: [started('2026-11-29T02:10:00Z')] }, false],
  [
    'a verb was begun within the deadline',
    { holder: { name: 'agent run-once (pid 7)', verb: 'run-once', since: NOW - MINUTE } },
    true,
  ],
  [
    'a verb hangs',
    { holder: { name: 'agent run-once (pid 7)', verb: 'run-once', since: NOW - 21 * MINUTE } },
    false,
  ],
] as const)('shows work under way: %s', (_, activity, expected) => {
  expect(isUnderWay({ ...base, ...activity })).toBe(expected);
});

test.each([
  ['a running daemon starts a new rotation', DAEMON, NOW - MINUTE, true],
  ['no daemon runs', undefined, NOW - MINUTE, false],
  ['the rotation is older than its deadline', DAEMON, NOW - 21 * MINUTE, false],
] as const)('shows awaited work: %s', (_, holder, createdAt, expected) => {
  expect(isAwaited({ ...base, holder }, createdAt)).toBe(expected);
});

const failed = (at: number): Activity['entries'][number] => ({
  state: 'finished',
  at: { finished: new Date(at).toISOString() },
  outcome: { is: 'failed', statusCode: 1, stdout: '', stderr: '', outputs: {} },
});

test.each<[string, Partial<Activity>, number, boolean]>([
  ['the daemon runs, and the CA is new', {}, NOW - MINUTE, true],
  ['the clock of the cloud is ahead', {}, NOW + MINUTE, true],
  ['no daemon runs', { holder: undefined }, NOW - MINUTE, false],
  ["Heat's stack has timed out", {}, NOW - 61 * MINUTE, false],
  ['Magnum does not backdate certificates', {}, NOW + 23 * 60 * MINUTE, false],
  ['a deployment has failed since', { entries: [failed(NOW - MINUTE)] }, NOW - 2 * MINUTE, false],
  ['a deployment failed before', { entries: [failed(NOW - 3 * MINUTE)] }, NOW - 2 * MINUTE, true],
])('shows coming work: %s', (_, activity, madeAt, expected) => {
  expect(isComing({ ...base, ...activity }, madeAt)).toBe(expected);
});
