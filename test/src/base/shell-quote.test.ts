import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { shellQuote } from '../../../src/base/shell-quote.ts';

test('a shell reads every quoted word as it was', () => {
  const words = fc.string({ unit: 'grapheme' }).filter((word) => !word.includes('\0'));
  fc.assert(
    fc.property(fc.array(words, { maxLength: 40 }), (all) => {
      const printed = execFileSync('sh', ['-c', `printf '%s\\0' ${['-', ...all].map(shellQuote).join(' ')}`]);
      expect(printed.toString('utf8')).toBe(['-', ...all].map((word) => `${word}\0`).join(''));
    }),
    { numRuns: 30, examples: [[["it's", '', '$HOME', '`id`', 'a b', '*', '~']]] },
  );
});

test('leaves an ordinary path unquoted', () => {
  expect(shellQuote('/etc/kubernetes/certs/ca.crt')).toBe('/etc/kubernetes/certs/ca.crt');
});
