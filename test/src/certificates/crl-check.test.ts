import { expect, test } from 'vitest';
import { checkListDates, compareLists } from '../../../src/certificates/crl-check.ts';
import type { RevocationList } from '../../../src/certificates/crl.ts';
import { thrownBy } from '../support/outcome-of.ts';

const FROM = Date.parse('2026-11-01T00:00:00Z');
const UNTIL = Date.parse('2026-12-01T00:00:00Z');

const listOf = (over: Partial<RevocationList>): RevocationList => ({
  der: Buffer.from('a list'),
  number: 5n,
  serials: new Set(),
  thisUpdate: FROM,
  nextUpdate: UNTIL,
  isSignedBy: () => true,
  ...over,
});

test.each([FROM, FROM + 1, UNTIL])('accepts a list at %d, within its dates', (now) => {
  checkListDates(listOf({}), now, '');
});

test('accepts a list without a next update forever', () => {
  checkListDates(listOf({ nextUpdate: undefined }), UNTIL * 2, '');
});

test.each([
  [FROM - 1, 'list-early'],
  [UNTIL + 1, 'list-expired'],
])('rejects a list at %d: %s', (now, reason) => {
  expect(thrownBy(() => checkListDates(listOf({}), now, ''))).toMatchObject({ code: 'precondition', reason });
});

const installed = listOf({});
const other = Buffer.from('another list');

test('recognizes the same list by its bytes', () => {
  expect(compareLists(listOf({}), installed, '/crl')).toBe('same');
});

test.each([
  ['a higher number', listOf({ der: other, number: 6n }), installed],
  ['a number where the present one has none', listOf({ der: other }), listOf({ number: undefined })],
])('accepts a list with %s as newer (RFC 5280, 5.2.3)', (_, list, present) => {
  expect(compareLists(list, present, '/crl')).toBe('newer');
});

test.each([
  ['list-older', 4n],
  ['list-differs', 5n],
  ['list-unnumbered', undefined],
])('rejects a list that is not newer: %s', (reason, number) => {
  const error = thrownBy(() => compareLists(listOf({ der: other, number }), installed, '/crl'));
  expect(error).toMatchObject({ code: 'precondition', reason });
});
