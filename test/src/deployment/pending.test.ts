import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Deployment } from '../../../src/deployment/deployment.ts';
import { codeOf, explain } from '../../../src/base/errors.ts';
import {
  chosenBy,
  newestOf,
  overtakenOf,
  pendingOf,
  type Recorded,
} from '../../../src/deployment/pending.ts';
import { deployment } from '../support/deployments.ts';

const at = (id: string, createdAt: number, resource = id): Deployment => ({
  ...deployment(),
  id,
  createdAt,
  resource,
});
const ids = (found: readonly { id: string }[]): string[] => found.map(({ id }) => id);

/** Makes a record of accepted deployments; a number marks a finished one and the time of its acceptance. */
const recorded = (...entries: [Deployment, finished?: number | undefined][]): Recorded => ({
  entries: () => entries.map(([entry]) => entry),
  settledAt: (id) => entries.find(([entry]) => entry.id === id)?.[1],
});
const nothing = recorded();

test('keeps the order of the list, whatever the creation times', () => {
  const list = [at('10_a', 3), at('20_b', 1), at('30_c', 2), at('30_c2', 2)];
  expect(ids(pendingOf(list, nothing))).toEqual(['10_a', '20_b', '30_c', '30_c2']);
});

test('returns only the newest of several deployments of a resource', () => {
  expect(ids(pendingOf([at('new', 5, 'r'), at('old', 1, 'r'), at('other', 3)], nothing))).toEqual([
    'new',
    'other',
  ]);
});

test('returns neither a finished deployment nor an older one in its place', () => {
  const done = recorded([at('new', 5, 'r'), 1]);
  expect(ids(pendingOf([at('new', 5, 'r'), at('old', 1, 'r')], done))).toEqual([]);
});

test('does not return an older deployment that is listed alone after a newer one was accepted', () => {
  const [old, newer] = [at('old', 1, 'r'), at('new', 5, 'r')];
  for (const taken of [recorded([newer]), recorded([newer, 7])]) {
    expect(ids(pendingOf([old], taken))).toEqual([]);
    expect(newestOf([old], taken).get('r')).toBe('new');
    expect(overtakenOf([old], taken)).toEqual([{ id: 'old', by: 'new' }]);
  }
  expect(overtakenOf([old, newer], recorded([newer]))).toEqual([]);
});

test('returns a forced deployment, also an older or finished one', () => {
  const [old, newer] = [at('old', 1, 'r'), at('new', 5, 'r')];
  expect(ids(pendingOf([old], recorded([newer, 7], [old, 3]), 'old'))).toEqual(['old']);
});

test('for equal times prefers the unfinished deployment, then the listed one, then the one accepted last', () => {
  const [a, b] = [at('a', 1, 'r'), at('b', 1, 'r')];
  const newest = (listed: Deployment[], finishedA?: number, finishedB?: number): string | undefined =>
    newestOf(listed, recorded([a, finishedA], [b, finishedB])).get('r');
  expect(newest([a, b], undefined, 5)).toBe('a');
  expect(newest([a, b], 5, undefined)).toBe('b');
  expect(newest([a, b], 6, 5)).toBe('a');
  expect(newest([a, b])).toBe('b');
  expect(newest([a])).toBe('a');
  expect(newest([b], 6, 5)).toBe('a');
});

test('treats a deployment without a creation time as the newest while it is listed and unfinished', () => {
  const [dateless, dated] = [at('dateless', 0, 'r'), at('dated', 5, 'r')];
  expect(ids(pendingOf([dateless], recorded([dated, 7])))).toEqual(['dateless']);
  expect(ids(pendingOf([dated], recorded([dateless, 7])))).toEqual(['dated']);
  expect(ids(pendingOf([dated], recorded([dateless])))).toEqual(['dated']);
});

test('finds the newest deployment independently of the order of the list', () => {
  const some = fc.array(fc.tuple(fc.nat(3), fc.nat(2)), { maxLength: 6 });
  fc.assert(
    fc.property(
      some.chain((rows) => {
        const list = rows.map(([createdAt, resource], index) => at(`d${index}`, createdAt, `r${resource}`));
        return fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }));
      }),
      ([list, shuffled]) => {
        expect(newestOf(shuffled, nothing)).toEqual(newestOf(list, nothing));
        expect(ids(pendingOf(shuffled, nothing)).toSorted()).toEqual(
          ids(pendingOf(list, nothing)).toSorted(),
        );
      },
    ),
  );
});

test('chooses a deployment by its id or a unique prefix, and otherwise names the candidates', () => {
  const listed = [at('ab1', 1), at('ab2', 2), at('ab', 3), at('c1', 4)];
  expect(chosenBy('ab', listed)).toBe('ab');
  expect(chosenBy('c', listed)).toBe('c1');
  for (const [wanted, candidates] of [
    ['a', 'ab1, ab2, ab'],
    ['x', 'ab1, ab2, ab, c1'],
    ['', 'ab1, ab2, ab, c1'],
  ] as const) {
    let thrown: unknown;
    try {
      chosenBy(wanted, listed);
    } catch (error) {
      thrown = error;
    }
    expect(codeOf(thrown)).toBe('usage');
    expect(explain(thrown)).toContain(candidates);
  }
});
