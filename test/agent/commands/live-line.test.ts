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

test('redraws its line at each turn, as it is then, and takes it away', () => {
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

test('never reaches the last column, where the terminal would begin another line', () => {
  const { line, written } = setUp(true);
  line.show(() => 'x'.repeat(100));
  expect(written[0]?.slice(ERASE.length)).toHaveLength(19);
});

test('an output that cannot be redrawn gets nothing', () => {
  const { line, written } = setUp(false);
  line.show(() => 'x');
  line.clear();
  expect(written).toEqual([]);
});
