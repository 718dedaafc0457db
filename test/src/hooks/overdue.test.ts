import { expect, test } from 'vitest';
import { writeRecord } from '../../../src/base/record.ts';
import { lookAfter } from '../../../src/hooks/overdue.ts';
import type { RunRequest } from '../../../src/hooks/request.ts';
import { createRuns, type RunState } from '../../../src/hooks/runs.ts';
import { tempRoot } from '../support/temp-root.ts';

const REQUEST: RunRequest = {
  id: 'one',
  what: 'the script',
  run: { script: '#!/bin/sh\n' },
  environment: [],
  timeoutMs: 5000,
  graceMs: 2000,
  secrets: [],
  outputs: [],
};
const SUPERVISOR = { pid: 0, startedAt: '1', boot: 'b' };
const IN_TIME_MS = 5000 + 2000 + 60_000;

/** Looks at a run with a living supervisor of this age. */
async function lookAt(ageMs: number, result?: unknown): Promise<{ state: RunState; killed: string[] }> {
  const { disk, at } = await tempRoot();
  const killed: string[] = [];
  let isThere = true;
  const presenceOf = async (): Promise<'alive' | 'gone'> => await Promise.resolve(isThere ? 'alive' : 'gone');
  const runs = createRuns('/runs', { disk, at, presenceOf, bootId: async () => await Promise.resolve('b') });
  await runs.order(REQUEST, 'run-one.service');
  await writeRecord(disk, runs.filesOf('one').claim, { by: 'supervisor', supervisor: SUPERVISOR });
  if (result !== undefined) await writeRecord(disk, runs.filesOf('one').result, result);
  const state = await lookAfter('one', {
    disk,
    runs,
    presenceOf: async () => {
      isThere = false;
      return await presenceOf();
    },
    ageOf: async () => await Promise.resolve(ageMs),
    killUnit: async (unit) => void (await Promise.resolve(killed.push(unit))),
  });
  return { state, killed };
}

test('leaves a supervisor alone whose deadline has not passed', async () => {
  const { state, killed } = await lookAt(IN_TIME_MS);
  expect([state.is, killed]).toEqual(['running', []]);
});

test('gives up a run whose supervisor is overdue, and kills its unit', async () => {
  const { state, killed } = await lookAt(IN_TIME_MS + 1);
  expect(state).toMatchObject({ is: 'lost', reason: 'run-overdue' });
  expect(killed).toEqual(['run-one.service']);
});

test('takes the result of a supervisor that wrote it and does not exit', async () => {
  const result = { statusCode: 0, stdout: 'x', stderr: '' };
  expect((await lookAt(IN_TIME_MS + 1, result)).state).toMatchObject({ is: 'ended', result });
});
