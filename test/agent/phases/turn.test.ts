import { expect, test } from 'vitest';
import { type OtherMaster, TURN_MS, turnOf, type TurnView } from '../../../agent/phases/turn.ts';

const HOUR = 3_600_000;
const well = (name: string): OtherMaster => ({ name, is: 'well', isStepping: false });

const view = (over: Partial<TurnView> = {}): TurnView => ({
  own: 'm0',
  holder: '',
  others: [well('m1'), well('m2')],
  unchangedMs: 0,
  waitedMs: 0,
  resumes: false,
  ...over,
});
const HELD = { is: 'wait', why: 'held', for: ['m1'] };

test('takes a free turn, and keeps its own', () => {
  expect(turnOf(view())).toEqual({ is: 'free' });
  expect(turnOf(view({ holder: 'm0' }))).toEqual({ is: 'mine' });
});

test("waits for another master's turn until its lease has not changed for as long as a turn holds", () => {
  expect(turnOf(view({ holder: 'm1', unchangedMs: TURN_MS - 1 }))).toEqual(HELD);
  expect(turnOf(view({ holder: 'm1', unchangedMs: TURN_MS }))).toEqual({ is: 'free' });
});

test('takes over only when every other master is well', () => {
  const others = [{ ...well('m1'), is: 'unwell' } as const, well('m2')];
  expect(turnOf(view({ holder: 'm1', unchangedMs: TURN_MS, others, waitedMs: 99 * HOUR }))).toEqual({
    is: 'wait',
    why: 'unwell',
    for: ['m1'],
  });
});

test('ignores a holder that is no master', () => {
  expect(turnOf(view({ holder: 'somebody' }))).toEqual({ is: 'free' });
});

test('waits for a lease that others keep renewing for an hour a master, and no longer', () => {
  expect(turnOf(view({ holder: 'm1', waitedMs: 3 * HOUR - 1 }))).toEqual(HELD);
  expect(turnOf(view({ holder: 'm1', waitedMs: 3 * HOUR }))).toEqual({ is: 'free' });
});

test('waits an hour for a master that says it is in the middle of a step', () => {
  const others = [{ ...well('m1'), isStepping: true }, well('m2')];
  expect(turnOf(view({ others }))).toEqual({ is: 'wait', why: 'stepping', for: ['m1'] });
  expect(turnOf(view({ others, waitedMs: HOUR }))).toEqual({ is: 'free' });
});

test('lets a master that is gone come back before a restart would cost etcd its quorum', () => {
  const gone = { ...well('m1'), is: 'gone' } as const;
  expect(turnOf(view({ others: [gone, well('m2')] }))).toEqual({
    is: 'wait',
    why: 'no-quorum',
    for: ['m1'],
  });
  expect(turnOf(view({ others: [gone, well('m2')], waitedMs: 600_000 }))).toEqual({ is: 'free' });
  expect(turnOf(view({ others: [gone, well('m2'), well('m3'), well('m4')] }))).toEqual({ is: 'free' });
});

test('an interrupted step goes on although others are not well, and not during the turn of another', () => {
  const others = [{ ...well('m1'), is: 'unwell' } as const, well('m2')];
  expect(turnOf(view({ holder: 'm0', others, resumes: true }))).toEqual({ is: 'mine' });
  expect(turnOf(view({ others, resumes: true }))).toEqual({ is: 'free' });
  expect(turnOf(view({ holder: 'm1', others, resumes: true }))).toEqual(HELD);
});
