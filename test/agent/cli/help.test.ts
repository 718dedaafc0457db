import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { runCli } from '../../../agent/cli.ts';
import { manualPages } from '../../../scripts/build.d/manual.ts';
import { verbs } from '../../../scripts/build.d/verbs.ts';

const ALL = verbs();

/** Returns the help of a verb as lines; without `columns`, standard output is not a terminal. */
async function helpOf(verb: string, columns?: number): Promise<string[]> {
  let text = '';
  const write = (part: string): string => (text += part);
  const stdout = columns === undefined ? { write } : { write, isTTY: true, columns };
  const argv = verb === '' ? ['--help'] : [verb, '--help'];
  expect(await runCli({ argv, env: {}, pid: 0, stdout, stderr: { write } })).toBe(0);
  return text.split('\n');
}

const longerThan = (lines: readonly string[], columns: number): string[] =>
  lines.filter((line) => line.length > columns);

test.each(['', ...ALL.map(({ name }) => name)])(
  'the help of agent %s fits 80 columns, on a terminal and elsewhere',
  async (verb) => {
    expect(longerThan(await helpOf(verb), 80)).toEqual([]);
    expect(await helpOf(verb, 80)).toEqual(await helpOf(verb));
  },
);

test('help uses the width of the terminal for its sentences', async () => {
  const meaning = /^ {2}1 {2}a certificate is wrong/;
  const widths = await Promise.all(
    [40, 80, 200].map(async (columns) => {
      const lines = await helpOf('certs', columns);
      const start = lines.findIndex((line) => meaning.test(line));
      const sentence = lines.slice(
        start,
        lines.findIndex((line) => line.startsWith('  2')),
      );
      expect(longerThan(sentence, columns)).toEqual([]);
      return sentence.length;
    }),
  );
  expect(widths).toEqual([4, 2, 1]);
});

test('the generated commands of docs/cli.md fit 80 columns', async () => {
  const text = await readFile('docs/cli.md', 'utf8');
  const blocks = [...text.matchAll(/^```\n([^`]*)^```/gm)].map(([, block = '']) => block);
  expect(blocks).toHaveLength(ALL.length);
  expect(longerThan(blocks.join('').split('\n'), 80)).toEqual([]);
});

test('the examples of the manual pages fit 80 columns, because a command is not wrapped', () => {
  // man(7) indents a tagged paragraph by seven columns.
  const tags = [...manualPages(ALL, '1.2.3').values()].flatMap((page) =>
    [...page.replaceAll('\\-', '-').matchAll(/^\.B (.*)$/gm)].map(([, tag = '']) => tag),
  );
  expect(tags.length).toBeGreaterThan(100);
  expect(longerThan(tags, 80 - 7)).toEqual([]);
});
