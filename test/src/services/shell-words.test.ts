import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { shellCommands } from '../../../src/services/shell-words.ts';

const VARIABLES = new Map([
  ['ONE', 'one'],
  ['TWO', ' two  words '],
  ['EMPTY', ''],
]);

/** Returns a command's words as a shell passes them to a program; undefined if the shell rejects the text. */
function wordsOfShell(text: string): string[] | undefined {
  const script = `print() { for word; do printf '%s\\0' "$word"; done; }; print ${text}\n`;
  const { status, stdout } = spawnSync('/bin/sh', ['-f', '-c', script], {
    env: Object.fromEntries(VARIABLES),
    encoding: 'utf8',
  });
  return status === 0 ? stdout.split('\0').slice(0, -1) : undefined;
}

/** Pieces of a command line, without redirections, globs and substitutions. */
const TEXTS = [
  'a',
  '--flag=',
  '/path',
  ' ',
  '  ',
  '\t',
  '"',
  "'",
  '\\',
  '\\"',
  '#',
  '$',
  '$ONE',
  '$TWO',
  '$NONE',
];
const EXPANSIONS = [
  'ONE',
  'TWO',
  'EMPTY:-word',
  'EMPTY-word',
  'NONE:-$ONE',
  'NONE-',
  'ONE:+set',
  'EMPTY:+set',
];
const PIECES = [...TEXTS, ...[...EXPANSIONS, 'EMPTY+set'].map((text) => `\${${text}}`)];

test('splits and expands a command like a shell', () => {
  let compared = 0;
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }), (pieces) => {
      const text = pieces.join('');
      const commands = shellCommands(text, VARIABLES);
      const expected = wordsOfShell(text);
      // The parser may refuse a text, but must never read it differently.
      if (commands === undefined || expected === undefined) return;
      expect(commands.flat()).toEqual(expected);
      compared += 1;
    }),
    { numRuns: 300 },
  );
  expect(compared).toBeGreaterThan(100);
});

test.each([
  ['a;b&c|d', [['a'], ['b'], ['c'], ['d']]],
  ['exec a b\nc # d e\nf#g', [['exec', 'a', 'b'], ['c'], ['f#g']]],
  ['a \\\n b', [['a', 'b']]],
  ['a "" \'\'', [['a', '', '']]],
  [' ;; ', []],
])('ends a command at an operator and at a line break: %j', (text, commands) => {
  expect(shellCommands(text, VARIABLES)).toEqual(commands);
});

test.each(['`date`', '"`date`"', '$(date)', '$1', '"open', "'open", '${ONE%x}', '${ONE', '\\'])(
  'does not guess what it cannot expand: %s',
  (text) => {
    expect(shellCommands(`a ${text}`, VARIABLES)).toBeUndefined();
  },
);
