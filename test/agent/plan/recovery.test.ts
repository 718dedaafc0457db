import { expect, test } from 'vitest';
import { MOST_RESUMED, recoveryOf } from '../../../agent/plan/recovery.ts';
import type { RunRecord } from '../../../agent/plan/run-record.ts';
import type { Journal } from '../../../src/files/journal.ts';

const rest = (more: Partial<RunRecord> = {}): RunRecord => ({
  units: [],
  outcome: { is: 'succeeded', statusCode: 0, stdout: '', stderr: '', outputs: {} },
  ...more,
});

// The table in files/journal.ts.
test.each<[Journal['state'], Partial<RunRecord>, string]>([
  ['staging', {}, 'clear'],
  ['committing', {}, 'go-on'],
  ['committed', {}, 'go-on'],
  ['committed', { resumed: MOST_RESUMED.forward }, 'take-back'],
  ['committed', { resumed: MOST_RESUMED.forward, proven: true }, 'go-on'],
  ['committed', { resumed: MOST_RESUMED.back, proven: true }, 'give-up'],
  ['reverting', {}, 'take-back'],
  ['reverted', {}, 'take-back'],
  ['reverted', { resumed: MOST_RESUMED.back }, 'give-up'],
  ['ended', {}, 'record'],
  ['stuck', {}, 'wait-for-person'],
])('recovers a journal that is %s, with %j: %s', (state, more, recovery) => {
  expect(recoveryOf({ state, run: rest(more) })).toBe(recovery);
});
