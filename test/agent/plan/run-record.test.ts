import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { RunRecordSchema, tailOf } from '../../../agent/plan/run-record.ts';

const OUTCOME = { statusCode: 0, stdout: '', stderr: '', outputs: {} };
const TIMES = { required: true, deadlineMs: 9000, settleMs: 0 };
const PLAN = { name: 'etcd', ...TIMES };

test('a record that an earlier version wrote is read with the present names', () => {
  const former = { unit: 'etcd', ...TIMES };
  const list = { file: '/etc/etcd/crl.pem', rereads: false };
  const read = v.parse(RunRecordSchema, {
    units: [former],
    found: [{ plan: former }],
    lists: [{ unit: former, ...list }],
    outcome: OUTCOME,
  });
  expect(read).toMatchObject({
    units: [PLAN],
    found: [{ plan: PLAN }],
    lists: [{ unitPlan: PLAN, ...list }],
  });
});

describe('what is left to do', () => {
  const record = { units: [PLAN], outcome: OUTCOME };

  test('begins with the files', () => {
    expect(tailOf(v.parse(RunRecordSchema, record))).toMatchObject({
      from: 'replace',
      units: [PLAN],
      lists: [],
    });
  });

  test('begins with the workloads once the units are proven: they are not restarted again', () => {
    expect(tailOf(v.parse(RunRecordSchema, { ...record, proven: true }))).toEqual({
      from: 'workloads',
      workloads: undefined,
    });
  });
});
