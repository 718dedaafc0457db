import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Deployment } from '../../../src/deployment/deployment.ts';
import { byAge, pendingOf } from '../../../src/deployment/pending.ts';
import { deployment } from '../support/deployments.ts';

const at = (id: string, createdAt: number, resource = id): Deployment => ({
  ...deployment(),
  id,
  createdAt,
  resource,
});
const ids = (found: readonly Deployment[]): string[] => found.map(({ id }) => id);
const never = (): undefined => undefined;

test('the order is that of creation, not of the metadata; at the same second that of the ids', () => {
  expect(ids(pendingOf([at('c', 1), at('b', 3), at('z', 2), at('a', 2)], never))).toEqual([
    'c',
    'a',
    'z',
    'b',
  ]);
});

test('of several for one resource only the newest is asked for', () => {
  expect(ids(pendingOf([at('new', 5, 'r'), at('old', 1, 'r'), at('other', 3)], never))).toEqual([
    'other',
    'new',
  ]);
});

test('what is settled is not pending, and an older one does not come up in its place', () => {
  expect(
    ids(pendingOf([at('new', 5, 'r'), at('old', 1, 'r')], (id) => (id === 'new' ? 1 : undefined))),
  ).toEqual([]);
});

/** The order of `a` and `b`, finished at these times. */
const doneAt = (a?: number, b?: number) => byAge((id) => (id === 'a' ? a : b));

test('of two of the same second the one that has not been done is the newer, else the one accepted later', () => {
  const pair = [at('a', 1, 'r'), at('b', 1, 'r')];
  expect(ids(pair.toSorted(doneAt(undefined, 5)))).toEqual(['b', 'a']);
  expect(ids(pair.toSorted(doneAt(5, undefined)))).toEqual(['a', 'b']);
  expect(ids(pair.toSorted(doneAt(6, 5)))).toEqual(['b', 'a']);
  expect(ids(pair.toSorted(doneAt()))).toEqual(['a', 'b']);
});

test('the order of the metadata never matters', () => {
  const some = fc.array(fc.tuple(fc.nat(3), fc.nat(2)), { maxLength: 6 });
  fc.assert(
    fc.property(
      some.chain((rows) => {
        const list = rows.map(([createdAt, resource], index) => at(`d${index}`, createdAt, `r${resource}`));
        return fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }));
      }),
      ([list, shuffled]) => {
        expect(ids(pendingOf(shuffled, never))).toEqual(ids(pendingOf(list, never)));
      },
    ),
  );
});
