import { expect, test } from 'vitest';
import { createTerminal } from '../../../agent/commands/terminal.ts';
import { createSecrets } from '../../../src/base/secrets.ts';

const HEAD = { file: 0, subject: 2, state: 0 };
const ROWS = [['/etc/größe/ca.crt', `CN=${'x'.repeat(60)}`, '✓']];

/** Returns the output for a terminal of 50 columns. */
async function written(hasUtf8: boolean, wide: boolean): Promise<string> {
  let text = '';
  const output = { isTTY: true, columns: 50, hasUtf8, write: (part: string) => (text += part) };
  const { line, table } = createTerminal(output, createSecrets(), { wide });
  line('✓ it holds …');
  await table(HEAD, ROWS);
  return text;
}

test('writes only ASCII without UTF-8, and keeps columns aligned', async () => {
  const [ascii, utf8] = [await written(false, false), await written(true, false)];
  expect(ascii).toMatch(/^\p{ASCII}*$/u);
  expect(ascii).toContain('+ it holds ~');
  expect(ascii.split('\n').map((line) => line.length)).toEqual(utf8.split('\n').map((line) => line.length));
});

test('names the dropped columns, and shows them with --wide', async () => {
  expect(await written(true, false)).toContain('--wide: also subject');
  expect(await written(true, true)).toContain('x'.repeat(60));
});

test.each([
  [true, '  ✗ restart etcd\n'],
  [false, '  ✗ restart etcd: status code 3\n'],
])('says why a step failed only if the end of the run does not: %s', (isTold, expected) => {
  let text = '';
  const { progress } = createTerminal({ write: (part: string) => (text += part) }, createSecrets());
  const step = { code: 'restart', of: 'etcd', text: 'restart etcd' } as const;
  progress({ event: 'failed', step, why: 'status code 3', isTold });
  expect(text).toBe(expected);
});
