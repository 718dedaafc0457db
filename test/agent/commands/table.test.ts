import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { table, wrapped } from '../../../agent/commands/table.ts';

const HEAD = { file: 0, subject: 2, 'valid until': 1, state: 0 };
const ROWS = [
  ['/etc/kubernetes/certs/server.crt', 'CN=kubernetes', '2031-11-28', 'good'],
  [
    '/etc/kubernetes/certs/kubelet.crt',
    'CN=system:node:größe-漢字, O=system:nodes, OU=OpenStack/Magnum',
    '2026-11-28',
    'has expired',
  ],
];
/** Sorted letters without blanks, because wrapping moves them. */
const letters = (text: string): string => text.replaceAll(/\s/g, '').split('').toSorted().join('');
const onTerminal = async (columns: number, wide = false): ReturnType<typeof table> =>
  await table(HEAD, ROWS, { isTTY: true, columns }, { wide });
const widest = (text: string): number => Math.max(...text.split('\n').map((line) => stringWidth(line)));

test('prints one line per row with aligned columns if the width is unlimited', async () => {
  const lines = (await table(HEAD, ROWS)).text.split('\n');
  expect(lines).toHaveLength(3);
  const starts = lines.map((line) => stringWidth(line.slice(0, line.search(/\S+( \S+)*$/))));
  expect(new Set(starts).size).toBe(1);
});

test.each([
  [40, ['subject', 'valid until']],
  [80, ['subject']],
  [200, []],
])('drops the least important columns on a terminal of %d columns', async (columns, left) => {
  const found = await onTerminal(columns);
  expect(found.left).toEqual(left);
  expect(widest(found.text)).toBeLessThanOrEqual(columns);
  const kept = Object.keys(HEAD).map((title) => !left.includes(title));
  const cells = [Object.keys(HEAD), ...ROWS].flatMap((row) => row.filter((_, index) => kept[index]));
  expect(letters(found.text)).toBe(letters(cells.join('')));
});

test('wraps required columns instead of cutting them', async () => {
  const { text } = await onTerminal(24);
  expect(widest(text)).toBeLessThanOrEqual(24);
  const cells = ROWS.flatMap(([file = '', , , state = '']) => [file, state]);
  expect(letters(text)).toBe(letters(['file', 'state', ...cells].join('')));
});

test('wraps other columns first: a required path stays on one line', async () => {
  const path = '/etc/kubernetes/certs/front-proxy/server.crt';
  const subject = 'CN=kubernetes, O=system:masters, OU=Magnum';
  const { text } = await table({ file: 0, subject: 1 }, [[path, subject]], { isTTY: true, columns: 80 });
  expect(widest(text)).toBeLessThanOrEqual(80);
  expect(text).toContain(path);
  expect(text).toContain('CN=kubernetes');
});

test('wraps nothing on a terminal that is wide enough', async () => {
  expect((await onTerminal(200)).text.split('\n')).toHaveLength(3);
});

test.each([
  ['an output that is not a terminal', { columns: 40 }, false],
  ['--wide', { isTTY: true, columns: 40 }, true],
])('%s prints all columns, one line per row', async (_, output, wide) => {
  expect(await table(HEAD, ROWS, output, { wide })).toEqual(await table(HEAD, ROWS));
});

test('wraps the line below a table to the terminal, and to nothing else', async () => {
  const text = '(--wide: also subject, names, issuer, serial, fingerprint, usages)';
  const narrow = await wrapped(text, { isTTY: true, columns: 40 });
  expect(widest(narrow)).toBeLessThanOrEqual(40);
  expect(letters(narrow)).toBe(letters(text));
  expect(await wrapped(text)).toBe(`  ${text}`);
});
