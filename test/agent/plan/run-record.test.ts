import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { causeIn, keepCause, RunRecordSchema, tailOf } from '../../../agent/plan/run-record.ts';
import { AgentError } from '../../../src/base/errors.ts';

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

test('the cause of a rollback is the same error afterwards, without secrets', () => {
  const error = new AgentError('proof', 'it presents geheim', {
    reason: 'other-leaf',
    excerpt: ['its journal:', '  geheim'],
    cause: new Error('reset'),
  });
  const kept = keepCause(error, (text) => text.replaceAll('geheim', '***'));
  const read = v.parse(RunRecordSchema, { units: [], outcome: OUTCOME, cause: kept }).cause;
  expect(read && causeIn(read)).toMatchObject({
    code: 'proof',
    reason: 'other-leaf',
    message: 'it presents ***: reset',
    excerpt: ['its journal:', '  ***'],
  });
});

test('a cause with a code of a later version is one of a unit', () => {
  const cause = { code: 'of-tomorrow', message: 'm', excerpt: [] };
  expect(v.parse(RunRecordSchema, { units: [], outcome: OUTCOME, cause }).cause?.code).toBe('unit');
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
