import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { causeIn, keepCause, RunRecordSchema, tailOf } from '../../../agent/plan/run-record.ts';
import { AgentError } from '../../../src/base/errors.ts';

const OUTCOME = { statusCode: 0, stdout: '', stderr: '', outputs: {} };
const TIMES = { required: true, deadlineMs: 9000, settleMs: 0 };
const PLAN = { name: 'etcd', ...TIMES };

test("reads an earlier version's record with the current names", () => {
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

test('restores the cause of a roll-back as the same error, without secrets', () => {
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

test('maps an unknown code of a later version to a unit failure', () => {
  const cause = { code: 'of-tomorrow', message: 'm', excerpt: [] };
  expect(v.parse(RunRecordSchema, { units: [], outcome: OUTCOME, cause }).cause?.code).toBe('unit');
});

describe('the remaining work', () => {
  const record = { units: [PLAN], outcome: OUTCOME };

  test('starts with the files', () => {
    expect(tailOf(v.parse(RunRecordSchema, record))).toMatchObject({
      from: 'replace',
      units: [PLAN],
      lists: [],
    });
  });

  test('starts with the workloads once the units are proven, without restarting them', () => {
    expect(tailOf(v.parse(RunRecordSchema, { ...record, proven: true }))).toEqual({
      from: 'workloads',
      workloads: undefined,
    });
  });
});
