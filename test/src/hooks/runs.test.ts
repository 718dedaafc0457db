import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isObject } from '../../../src/base/json.ts';
import { readRecord, writeRecord } from '../../../src/base/record.ts';
import type { Presence } from '../../../src/hooks/process.ts';
import type { RunRequest } from '../../../src/hooks/request.ts';
import { createRuns } from '../../../src/hooks/runs.ts';
import { tempRoot } from '../support/temp-root.ts';

const REQUEST: RunRequest = {
  id: 'one',
  what: 'the script',
  run: { script: '#!/bin/sh\n' },
  environment: [['a', 'b']],
  timeoutMs: 1,
  graceMs: 1,
  secrets: [],
  outputs: ['x'],
};

const CLAIM = { by: 'supervisor', supervisor: { pid: 1, startedAt: '1', boot: 'b' } };

const bootId = async (): Promise<string> => await Promise.resolve('b');

async function bench() {
  const { disk, at, files } = await tempRoot();
  let presence: Presence = 'alive';
  const runs = createRuns('/runs', {
    disk,
    at,
    presenceOf: async () => await Promise.resolve(presence),
    bootId,
  });
  return { disk, runs, files, become: (now: Presence) => void (presence = now) };
}

test('goes from order to claim to result', async () => {
  const { runs, disk, become } = await bench();
  expect(await runs.look('one')).toEqual({ is: 'none' });
  await runs.order(REQUEST, undefined);
  expect(await runs.look('one')).toMatchObject({
    is: 'ordered',
    order: { what: 'the script', reads: 'files', boot: 'b' },
  });
  await writeRecord(disk, runs.filesOf('one').claim, CLAIM);
  expect(await runs.look('one')).toMatchObject({ is: 'running' });
  const result = { statusCode: 0, stdout: 'x', stderr: '' };
  await writeRecord(disk, runs.filesOf('one').result, result);
  // Its supervisor may still have to kill remaining processes.
  expect(await runs.look('one')).toMatchObject({ is: 'running' });
  become('gone');
  expect(await runs.look('one')).toMatchObject({ is: 'ended', result });
});

test('allows one claim only: a withdrawn run cannot be claimed', async () => {
  const { runs } = await bench();
  await runs.order(REQUEST, undefined);
  expect(await runs.withdraw('one')).toBe(true);
  expect(await runs.withdraw('one')).toBe(false);
  expect(await runs.look('one')).toEqual({ is: 'none' });
});

test.each([
  ['gone', 'run-killed'],
  ['rebooted', 'run-rebooted'],
] as const)('treats a claim without a result as lost if its supervisor is %s', async (presence, reason) => {
  const { runs, disk, become } = await bench();
  await runs.order(REQUEST, undefined);
  await writeRecord(disk, runs.filesOf('one').claim, CLAIM);
  become(presence);
  expect(await runs.look('one')).toMatchObject({ is: 'lost', reason });
});

test('never takes a run with garbled records for one that has not begun', async () => {
  for (const name of ['order', 'claim', 'result'] as const) {
    const { runs, disk, become } = await bench();
    await runs.order(REQUEST, undefined);
    await writeRecord(disk, runs.filesOf('one').claim, CLAIM);
    await writeRecord(disk, runs.filesOf('one').result, { statusCode: 0, stdout: '', stderr: '' });
    become('gone');
    await disk.remove(runs.filesOf('one')[name]);
    await disk.create(runs.filesOf('one')[name], '{"cut', {});
    expect(await runs.look('one')).toMatchObject({
      is: 'lost',
      order: undefined,
      reason: 'run-records-damaged',
    });
  }
});

test('lets only the owner read an order, and removes it completely', async () => {
  const { runs, disk, files } = await bench();
  await runs.order(REQUEST, undefined);
  for (const path of await files('/runs'))
    expect((await disk.info(path))?.mode, path).toBe(path === '/runs/one/work/one' ? 0o700 : 0o600);
  for (const path of ['/runs/one/work', '/runs/one/outputs'])
    expect((await disk.info(path))?.mode, path).toBe(0o700);
  await runs.remove('one');
  expect(await runs.list()).toEqual([]);
});

test('reads any records as some state of the run', async () => {
  const { runs, disk, become } = await bench();
  become('gone');
  const { order, claim, result } = runs.filesOf('one');
  await runs.order(REQUEST, undefined);
  const ordered: unknown = await readRecord(disk, order);
  const records = fc.tuple(
    near(isObject(ordered) ? ordered : {}),
    near(CLAIM),
    near({ statusCode: 0, stdout: '', stderr: '' }),
  );
  await fc.assert(
    fc.asyncProperty(records, async (values) => {
      for (const [index, path] of [order, claim, result].entries())
        await writeRecord(disk, path, values[index]);
      expect((await runs.look('one')).is).toMatch(/^(none|ended|lost)$/);
    }),
  );
});

/** Generates the valid record, any JSON, and records with the same keys. */
const near = (good: Record<string, unknown>): fc.Arbitrary<unknown> => {
  const parts = Object.entries(good).map(
    ([name, value]) => [name, fc.oneof(fc.constant(value), fc.jsonValue())] as const,
  );
  return fc.oneof(
    fc.constant(good),
    fc.jsonValue(),
    fc.record(Object.fromEntries(parts), { requiredKeys: [] }),
  );
};
