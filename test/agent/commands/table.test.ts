import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { table } from '../../../agent/commands/table.ts';

const HEAD = ['file', 'subject', 'state'];
const ROWS = [
  ['/etc/kubernetes/certs/server.crt', 'CN=kubernetes', 'good'],
  ['/etc/kubernetes/certs/kubelet.crt', 'CN=system:node:größe-漢字, O=system:nodes', 'has expired'],
];
/** Without blanks, in an order of their own: wrapping moves them. */
const letters = (text: string): string => text.replaceAll(/\s/g, '').split('').toSorted().join('');
const onTerminal = async (columns: number): Promise<string[]> =>
  (await table(HEAD, ROWS, { isTTY: true, columns })).split('\n');

test('has one line a row where nobody limits it, with columns that stand below each other', async () => {
  const lines = (await table(HEAD, ROWS)).split('\n');
  expect(lines).toHaveLength(3);
  const starts = lines.map((line) => stringWidth(line.slice(0, line.search(/\S+( \S+)*$/))));
  expect(new Set(starts).size).toBe(1);
});

test.each([40, 60, 80, 200])('fits a terminal of %d columns, and loses nothing', async (columns) => {
  const lines = await onTerminal(columns);
  expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(columns);
  expect(letters(lines.join(''))).toBe(letters([HEAD, ...ROWS].flat().join('')));
});

test('wraps nothing on a terminal that is wide enough', async () => {
  expect(await onTerminal(200)).toHaveLength(3);
});

test('does not wrap what is no terminal', async () => {
  expect(await table(HEAD, ROWS, { columns: 40 })).toBe(await table(HEAD, ROWS));
});
