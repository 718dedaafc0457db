import { expect, test } from 'vitest';
import { withAbilities } from '../../agent/process-io.ts';

// https://no-color.org and https://bixense.com/clicolors/
test.each<[isTTY: boolean, env: Record<string, string>, colours: boolean]>([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { CLICOLOR: '0' }, false],
  [true, { TERM: 'dumb' }, false],
  [false, { CLICOLOR_FORCE: '1' }, true],
  [false, { CLICOLOR_FORCE: '0' }, false],
  [false, { CLICOLOR_FORCE: '1', NO_COLOR: '1' }, false],
])('on a terminal: %s, with %j: coloured %s', (isTTY, env, colours) => {
  expect(withAbilities({ write: () => true, isTTY }, env).hasColours).toBe(colours);
});

test.each<[isTTY: boolean, env: Record<string, string>, utf8: boolean]>([
  [true, { LANG: 'de_DE.UTF-8' }, true],
  [true, { LC_ALL: 'C.utf8', LANG: 'C' }, true],
  [true, { LC_ALL: 'POSIX', LANG: 'en_US.UTF-8' }, false],
  [true, {}, false],
  [false, { LC_ALL: 'C' }, true],
])('on a terminal: %s, with %j: UTF-8 %s', (isTTY, env, utf8) => {
  expect(withAbilities({ write: () => true, isTTY }, env).hasUtf8).toBe(utf8);
});
