import { describe, expect, test } from 'vitest';
import { RUNTIME } from '../../agent/paths.ts';
import { emptyResult } from '../../agent/pass.ts';
import { readPassRecord, recordOf, writePassRecord } from '../../agent/status-file.ts';
import { AgentError } from '../../src/base/errors.ts';
import { createHands } from '../fakes/hands.ts';

const [FIRST, SECOND] = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z'];
const heat = { collector: 'heat', why: undefined, refused: false } as const;
const local = { ...heat, collector: 'local' } as const;
const silent = { ...heat, why: 'no answer', code: 'cloud-unreachable' } as const;

describe('a pass', () => {
  test('is complete if every collector that brings work has answered', () => {
    const facts = { ...silent, collector: 'ec2' } as const;
    const record = recordOf({ ...emptyResult(), answers: [heat, facts] }, undefined, FIRST);
    expect(record).toMatchObject({ completeAt: FIRST, answeredAt: { heat: FIRST } });
  });

  test('without an answer keeps the times of those before it', () => {
    const before = recordOf({ ...emptyResult(), answers: [heat, local] }, undefined, FIRST);
    const answers = [silent, local];
    expect(recordOf({ ...emptyResult(), answers }, before, SECOND)).toMatchObject({
      at: SECOND,
      completeAt: FIRST,
      answeredAt: { heat: FIRST, local: SECOND },
    });
    expect(recordOf(emptyResult(), undefined, FIRST).completeAt).toBeUndefined();
  });

  test('tells its problems by code and reason', () => {
    const problems = [new AgentError('disk', 'a', { reason: 'no-space' }), new AgentError('state', 'b')];
    expect(recordOf({ ...emptyResult(), problems }, undefined, FIRST).problems).toEqual([
      { code: 'disk', reason: 'no-space', message: 'a' },
      { code: 'state', message: 'b' },
    ]);
  });
});

describe('the record', () => {
  test.each([
    ['a problem', { problems: [{ code: 'state', message: 'it is geheim-4711' }] }],
    ['a result that is not acknowledged', { open: [{ id: 'a', why: 'geheim-4711' }] }],
    ['a group', { unserved: [{ id: 'a', group: 'geheim-4711' }] }],
    ['the fault of a collector', { answers: [{ collector: 'heat', why: 'geheim-4711' }] }],
  ])('holds no secret of %s', async (_, over) => {
    const { hands, disk, read } = await createHands();
    await disk.makeDirectory(RUNTIME, { mode: 0o755 });
    hands.secrets.add('geheim-4711');
    await writePassRecord(hands, { ...recordOf(emptyResult(), undefined, FIRST), ...over });
    expect(await read(`${RUNTIME}/last-pass.json`)).not.toContain('geheim');
    expect(JSON.stringify(await readPassRecord(hands))).toContain('***');
  });

  test('is read as written, and is undefined before the first pass or if it is damaged', async () => {
    const { hands, disk, write } = await createHands();
    expect(await readPassRecord(hands)).toBeUndefined();
    await disk.makeDirectory(RUNTIME, { mode: 0o755 });
    const record = recordOf({ ...emptyResult(), answers: [heat] }, undefined, FIRST);
    await writePassRecord(hands, record);
    expect(await readPassRecord(hands)).toEqual({ ...record, answers: [{ collector: 'heat' }] });
    await write(`${RUNTIME}/last-pass.json`, '{');
    expect(await readPassRecord(hands)).toBeUndefined();
  });
});
