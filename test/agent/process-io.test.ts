import { expect, test } from 'vitest';
import { withColours } from '../../agent/process-io.ts';

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
  expect(withColours({ write: () => true, isTTY }, env).hasColours).toBe(colours);
});
