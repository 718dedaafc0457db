import { expect, test } from 'vitest';
import { formatCheck, type HealthFacts, illnessesOf } from '../../../agent/inspection/health.ts';

const SECOND = 1000;
const DAY = 86_400 * SECOND;
const NOW = 1000 * DAY;
const WELL: HealthFacts = {
  now: NOW,
  daemonRuns: true,
  completeAt: NOW - 90 * SECOND,
  isAtWork: false,
  intervalMs: 30 * SECOND,
  unacknowledgedSince: NOW - 900 * SECOND,
  firstEnd: NOW + 30 * DAY,
  isStuck: false,
  critical: [],
};

test('is good at every limit', () => {
  expect(illnessesOf(WELL)).toEqual([]);
  expect(formatCheck(WELL)).toEqual({
    code: 0,
    line: 'COE-AGENT OK - the node is well | last_pass=90s;;90;0 unacknowledged=900s;900;;0 certificate_days=30;30:;7:',
  });
});

test.each([
  [{ daemonRuns: false }, 'daemon-down', 2],
  [{ isStuck: true }, 'generation-stuck', 2],
  [{ critical: ['the clock is off', 'f is missing'] }, 'node-differs', 2],
  [{ completeAt: undefined }, 'never-asked', 2],
  [{ completeAt: NOW - 91 * SECOND }, 'pass-overdue', 2],
  [{ unacknowledgedSince: NOW - 901 * SECOND }, 'answer-unacknowledged', 1],
  [{ firstEnd: NOW + 30 * DAY - 1 }, 'certificate-ends', 1],
  [{ firstEnd: NOW + 7 * DAY - 1 }, 'certificate-ends', 2],
  [{ firstEnd: NOW - DAY }, 'certificate-ends', 2],
] as const)('reports %o as %s with exit code %i', (change, code, exit) => {
  const facts = { ...WELL, ...change };
  expect(illnessesOf(facts).map((one) => one.code)).toEqual([code]);
  expect(formatCheck(facts).code).toBe(exit);
});

test('does not treat a pass that works on a rotation as overdue', () => {
  expect(illnessesOf({ ...WELL, isAtWork: true, completeAt: 0 })).toEqual([]);
  expect(illnessesOf({ ...WELL, isAtWork: true, completeAt: undefined })).toMatchObject([
    { code: 'never-asked' },
  ]);
});

test('decides by the worst of several problems, and lists it first', () => {
  const facts = { ...WELL, unacknowledgedSince: 0, daemonRuns: false };
  expect(illnessesOf(facts).map(({ level }) => level)).toEqual(['critical', 'warning']);
  expect(formatCheck(facts).code).toBe(2);
});
