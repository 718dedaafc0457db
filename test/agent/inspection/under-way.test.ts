import { expect, test } from 'vitest';
import { isAwaited, isUnderWay } from '../../../agent/inspection/under-way.ts';

const MINUTE = 60_000;
const NOW = Date.parse('2026-11-29T02:20:00Z');
const DAEMON = { name: 'agent run (pid 7)', since: NOW - 900 * MINUTE };
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
    { holder: { name: 'agent run-once (pid 7)', since: NOW - MINUTE } },
    true,
  ],
  ['a verb hangs', { holder: { name: 'agent run-once (pid 7)', since: NOW - 21 * MINUTE } }, false],
] as const)('under way: %s', (_, activity, expected) => {
  expect(isUnderWay({ ...base, ...activity })).toBe(expected);
});

test.each([
  ['a running daemon begins with a new rotation', DAEMON, NOW - MINUTE, true],
  ['no daemon runs', undefined, NOW - MINUTE, false],
  ['the rotation is older than its deadline', DAEMON, NOW - 21 * MINUTE, false],
] as const)('awaited: %s', (_, holder, createdAt, expected) => {
  expect(isAwaited({ ...base, holder }, createdAt)).toBe(expected);
});
