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

test("waits for another master's turn until its lease has been unchanged for the length of a turn", () => {
  expect(turnOf(view({ holder: 'm1', unchangedMs: TURN_MS - 1 }))).toEqual(HELD);
  expect(turnOf(view({ holder: 'm1', unchangedMs: TURN_MS }))).toEqual({ is: 'free' });
});

test('takes over only if every other master is healthy', () => {
  const others = [{ ...well('m1'), is: 'unwell' } as const, well('m2')];
  expect(turnOf(view({ holder: 'm1', unchangedMs: TURN_MS, others, waitedMs: 99 * HOUR }))).toEqual({
    is: 'wait',
    why: 'unwell',
    for: ['m1'],
  });
});

test('ignores a holder that is not a master', () => {
  expect(turnOf(view({ holder: 'somebody' }))).toEqual({ is: 'free' });
});

test('waits at most an hour per master for a lease that others keep renewing', () => {
  expect(turnOf(view({ holder: 'm1', waitedMs: 3 * HOUR - 1 }))).toEqual(HELD);
  expect(turnOf(view({ holder: 'm1', waitedMs: 3 * HOUR }))).toEqual({ is: 'free' });
});

test('waits an hour for a master that reports a step under way', () => {
  const others = [{ ...well('m1'), isStepping: true }, well('m2')];
  expect(turnOf(view({ others }))).toEqual({ is: 'wait', why: 'stepping', for: ['m1'] });
  expect(turnOf(view({ others, waitedMs: HOUR }))).toEqual({ is: 'free' });
});

test('gives a missing master time to return before a restart would cost etcd its quorum', () => {
  const gone = { ...well('m1'), is: 'gone' } as const;
  expect(turnOf(view({ others: [gone, well('m2')] }))).toEqual({
    is: 'wait',
    why: 'no-quorum',
    for: ['m1'],
  });
  expect(turnOf(view({ others: [gone, well('m2')], waitedMs: 600_000 }))).toEqual({ is: 'free' });
  expect(turnOf(view({ others: [gone, well('m2'), well('m3'), well('m4')] }))).toEqual({ is: 'free' });
});

test("continues an interrupted step although others are unhealthy, but not during another's turn", () => {
  const others = [{ ...well('m1'), is: 'unwell' } as const, well('m2')];
  expect(turnOf(view({ holder: 'm0', others, resumes: true }))).toEqual({ is: 'mine' });
  expect(turnOf(view({ others, resumes: true }))).toEqual({ is: 'free' });
  expect(turnOf(view({ holder: 'm1', others, resumes: true }))).toEqual(HELD);
});
