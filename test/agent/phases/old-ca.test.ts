import { expect, test } from 'vitest';
import { oldCaDue, oldCaSeen } from '../../../agent/phases/old-ca.ts';

const NEVER_ROTATED = { trustsServed: true, trustsFormer: false };
const UNDER_WAY = { trustsServed: true, trustsFormer: true };
const BEFORE_TRUST = { trustsServed: false, trustsFormer: true };
const course = { cas: 'b', since: 100 };

test.each([
  ['a node at its first look has no old CA', NEVER_ROTATED, {}, undefined],
  ['a rotation that is under way opens it', UNDER_WAY, {}, { cas: 'b' }],
  ['it stays open', UNDER_WAY, { course, oldCa: { cas: 'b' } }, { cas: 'b' }],
  ['it ends with `retire`', NEVER_ROTATED, { course, oldCa: { cas: 'b' } }, { cas: 'b', endedAt: 7 }],
  ['the moment stays', NEVER_ROTATED, { course, oldCa: { cas: 'b', endedAt: 3 } }, { cas: 'b', endedAt: 3 }],
  [
    'a rotation in one step, which no look has seen under way, ends it',
    NEVER_ROTATED,
    { course: { cas: 'a', since: 1 }, oldCa: { cas: 'a', endedAt: 3 } },
    { cas: 'b', endedAt: 7 },
  ],
  [
    'a second rotation in the middle opens another',
    UNDER_WAY,
    { course: { cas: 'a', since: 1 }, oldCa: { cas: 'a' } },
    { cas: 'b' },
  ],
  [
    'before `trust` nothing changes',
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
