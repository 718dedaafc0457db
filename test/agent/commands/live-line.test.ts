import { expect, test } from 'vitest';
import { createLiveLine, ERASE } from '../../../agent/commands/live-line.ts';

function setUp(isLive: boolean, columns = 20) {
  const written: string[] = [];
  let tick: (() => void) | undefined;
  const output = { isTTY: true, isLive, columns, write: (text: string) => written.push(text) };
  const line = createLiveLine(output, (_ms, work) => {
    tick = work;
    return () => {
      tick = undefined;
    };
  });
  return { line, written, turn: () => tick?.(), isTurning: () => tick !== undefined };
}

test('redraws its line with the present text, and removes it', () => {
  const { line, written, turn, isTurning } = setUp(true);
  let seconds = 1;
  line.show(() => `waiting ${seconds} s`);
  seconds = 2;
  turn();
  line.clear();
  expect(written.map((text) => text.replace(/[⠋⠙]/u, '*'))).toEqual([
    `${ERASE}  * waiting 1 s`,
    `${ERASE}  * waiting 2 s`,
    ERASE,
  ]);
  expect(isTurning()).toBe(false);
});

test('stays off the last column, where the terminal would wrap', () => {
  const { line, written } = setUp(true);
  line.show(() => 'x'.repeat(100));
  expect(written[0]?.slice(ERASE.length)).toHaveLength(19);
});

test('cuts a long line in its middle, so that its time stays', () => {
  const { line, written } = setUp(true, 40);
  line.show(() => `log in as ${'x'.repeat(64)}  12 s`);
  const shown = written[0]?.slice(ERASE.length) ?? '';
  expect(shown).toHaveLength(39);
  expect(shown).toMatch(/^ {2}. log in as x+…x+ {2}12 s$/u);
});

test('writes nothing to an output that cannot be redrawn', () => {
  const { line, written } = setUp(false);
  line.show(() => 'x');
  line.clear();
  expect(written).toEqual([]);
});
