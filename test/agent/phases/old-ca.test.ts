import { expect, test } from 'vitest';
import { oldCaDue, oldCaSeen } from '../../../agent/phases/old-ca.ts';

const NEVER_ROTATED = { trustsServed: true, trustsFormer: false };
const UNDER_WAY = { trustsServed: true, trustsFormer: true };
const BEFORE_TRUST = { trustsServed: false, trustsFormer: true };
const course = { cas: 'b', since: 100 };

test.each([
  ['finds no old CA at the first look', NEVER_ROTATED, {}, undefined],
  ['records the start of a rotation', UNDER_WAY, {}, { cas: 'b' }],
  ['keeps the record during the rotation', UNDER_WAY, { course, oldCa: { cas: 'b' } }, { cas: 'b' }],
  ['records the end with `retire`', NEVER_ROTATED, { course, oldCa: { cas: 'b' } }, { cas: 'b', endedAt: 7 }],
  [
    'keeps the recorded end',
    NEVER_ROTATED,
    { course, oldCa: { cas: 'b', endedAt: 3 } },
    { cas: 'b', endedAt: 3 },
  ],
  [
    'records the end of a rotation in one step, which no look has seen',
    NEVER_ROTATED,
    { course: { cas: 'a', since: 1 }, oldCa: { cas: 'a', endedAt: 3 } },
    { cas: 'b', endedAt: 7 },
  ],
  [
    'starts another record for a second rotation',
    UNDER_WAY,
    { course: { cas: 'a', since: 1 }, oldCa: { cas: 'a' } },
    { cas: 'b' },
  ],
  [
    'changes nothing before `trust`',
    BEFORE_TRUST,
    { course: { cas: 'a', since: 1 }, oldCa: { cas: 'a', endedAt: 3 } },
    { cas: 'a', endedAt: 3 },
  ],
])('%s', (_, own, record, seen) => {
  expect(oldCaSeen(own, 'b', record, 7)).toEqual(seen);
});

test('is due when `retire` no longer waits, or when a later hold ends', () => {
  const open = { course, oldCa: { cas: 'b' } };
  expect(oldCaDue(open, undefined, 50)).toBe(150);
  expect(oldCaDue(open, 120, 50)).toBe(150);
  expect(oldCaDue(open, 160, 50)).toBe(160);
  expect(oldCaDue({ course, oldCa: { cas: 'b', endedAt: 7 } }, undefined, 50)).toBeUndefined();
  expect(oldCaDue({ course }, undefined, 50)).toBeUndefined();
  expect(oldCaDue({}, undefined, 50)).toBeUndefined();
});
