import { expect, test } from 'vitest';
import { unifiedDiff } from '../../../src/base/unified-diff.ts';

const lines = (text: string): string[] => text.split('');

test('equal texts do not differ', () => {
  expect(unifiedDiff('/f', lines('abc'), lines('abc'))).toEqual([]);
});

test('a change is shown with three lines around it', () => {
  expect(unifiedDiff('/f', lines('abcdefghi'), lines('abcdEfghi'))).toEqual([
    '--- /f',
    '+++ /f',
    '@@ -2,7 +2,7 @@',
    ' b',
    ' c',
    ' d',
    '-e',
    '+E',
    ' f',
    ' g',
    ' h',
  ]);
});

test('changes that are far from each other have hunks of their own, with the numbers of both texts', () => {
  const hunks = unifiedDiff('/f', lines('a12345678z'), lines('AB12345678')).filter((line) =>
    line.startsWith('@@'),
  );
  expect(hunks).toEqual(['@@ -1,4 +1,5 @@', '@@ -7,4 +8,3 @@']);
});

test('a file that is not there is all new', () => {
  expect(unifiedDiff('/f', undefined, lines('ab'))).toEqual([
    '--- /dev/null',
    '+++ /f',
    '@@ -0,0 +1,2 @@',
    '+a',
    '+b',
  ]);
});

test('a text without end counts as replaced', () => {
  const long = Array.from({ length: 2001 }, (_, index) => String(index));
  expect(unifiedDiff('/f', long, [...long, 'more'])[2]).toBe('@@ -1,2001 +1,2002 @@');
  expect(unifiedDiff('/f', long, long)).toEqual([]);
});
