import { expect, test } from 'vitest';
import type { Hands } from '../../../agent/hands.ts';
import { collectFinishedRuns } from '../../../agent/pass/collect-finished-runs.ts';
import { AgentError } from '../../../src/base/errors.ts';
import type { RunState } from '../../../src/hooks/runs.ts';
import { createHands } from '../../fakes/hands.ts';
import { deployment } from '../../src/support/deployments.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { ORDER, RUNNING } from '../support/script-run.ts';

const WORK = deployment({}, { id: 'work' });
const ended = (statusCode: number, order = ORDER): RunState => ({
  is: 'ended',
  order,
  result: { stdout: 'said', stderr: '', statusCode },
});
const LOST: Extract<RunState, { is: 'lost' }> = {
  is: 'lost',
  order: ORDER,
  reason: 'run-killed',
  why: 'killed',
};

/** Makes a node with one run on disk in a state. */
async function nodeWith(state: RunState, isStarted = true, over: Partial<Hands['runs']['runs']> = {}) {
  const { hands } = await createHands();
  if (isStarted) {
    await hands.ledger.accept(WORK);
    await hands.ledger.start(WORK.id);
  }
  const removed: string[] = [];
  const runs: Hands['runs'] = {
    ...hands.runs,
    ageOf: async () => await Promise.resolve(0),
    unitFor: () => undefined,
    endOfUnit: async () => await Promise.resolve(undefined),
    runs: {
      ...hands.runs.runs,
      list: async () => await Promise.resolve([WORK.id]),
      look: async () => await Promise.resolve(state),
      remove: async (id) => {
        removed.push(id);
        await Promise.resolve();
      },
      ...over,
    },
  };
  return { hands: { ...hands, runs }, removed };
}

test.each([
  [ended(0), { is: 'succeeded', statusCode: 0 }],
  [ended(3), { is: 'failed', statusCode: 3 }],
  [LOST, { is: 'failed' }],
])('records the outcome of a run: %j', async (state, outcome) => {
  const { hands, removed } = await nodeWith(state);
  expect(await collectFinishedRuns(hands)).toMatchObject([{ id: 'work', outcome }]);
  expect(hands.ledger.find('work')).toMatchObject({ state: 'finished', outcome });
  expect(removed).toEqual(['work']);
});

test.each([RUNNING, { is: 'ordered', order: ORDER } satisfies RunState])(
  'leaves a run alone that may go on: $is',
  async (state) => {
    const { hands, removed } = await nodeWith(state);
    expect(await collectFinishedRuns(hands)).toEqual([]);
    expect(hands.ledger.find('work')?.state).toBe('started');
    expect(removed).toEqual([]);
  },
);

test.each([
  ['whose order is gone', { is: 'none' } satisfies RunState, true],
  ['of an unknown deployment', ended(0), false],
])('deletes a run %s', async (_, state, isStarted) => {
  const { hands, removed } = await nodeWith(state, isStarted);
  expect(await collectFinishedRuns(hands)).toEqual([]);
  expect(removed).toEqual(['work']);
});

test('leaves a run whose deployment continues with other steps, unless it failed', async () => {
  const continues = { ...ORDER, continues: true } as const;
  const lost: RunState = { ...LOST, order: continues };
  for (const state of [ended(0, continues), lost]) {
    const { hands, removed } = await nodeWith(state);
    expect(await collectFinishedRuns(hands)).toEqual([]);
    expect(removed).toEqual([]);
  }
  const { hands } = await nodeWith(ended(1, continues));
  expect(await collectFinishedRuns(hands)).toMatchObject([{ outcome: { is: 'failed' } }]);
});

const failing = (code: 'disk' | 'state') => ({
  filesOf: (): never => {
    throw new AgentError(code, 'no');
  },
});

test('a disk that fails is asked again later; any other error is the outcome', async () => {
  const { hands } = await nodeWith(ended(0), true, failing('disk'));
  expect(await faultIn(collectFinishedRuns(hands))).toMatchObject({ code: 'disk' });
  expect(hands.ledger.find('work')?.state).toBe('started');
  const other = await nodeWith(ended(0), true, failing('state'));
  expect(await collectFinishedRuns(other.hands)).toMatchObject([
    { outcome: { is: 'failed', error: { code: 'state' } } },
  ]);
});
