import { expect, test } from 'vitest';
import { createExamination } from '../../../agent/inspection/examination.ts';
import type { Finding } from '../../../agent/inspection/finding.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { NEVER } from '../../src/support/clock.ts';

const BAD: Finding = { id: 'unit', of: 'api', verdict: 'bad', reason: 'failed', what: 'api has failed' };

function examine(stopping = NEVER) {
  const shown: Finding[] = [];
  return { ...createExamination((finding) => shown.push(finding), stopping), shown };
}

test('shows each finding at once, with its next command', () => {
  const { tell, findings, shown } = examine();
  tell(BAD);
  expect(shown).toEqual([{ ...BAD, next: 'systemctl status api' }]);
  expect(findings).toEqual(shown);
});

test('reports once what two checks find, whatever its text', () => {
  const { tell, findings } = examine();
  tell(BAD);
  tell({ ...BAD, what: 'the same in other words' }, { ...BAD, of: 'etcd' }, { ...BAD, reason: 'masked' });
  expect(findings.map(({ of, reason }) => [of, reason])).toEqual([
    ['api', 'failed'],
    ['etcd', 'failed'],
    ['api', 'masked'],
  ]);
});

test('reports all findings of one check', () => {
  const { tell, findings } = examine();
  const twice: Finding = { id: 'metadata', verdict: 'bad', reason: 'not-json', what: 'of one source' };
  tell(twice, { ...twice, what: 'of another' });
  expect(findings.map(({ what }) => what)).toEqual(['of one source', 'of another']);
});

test('adds to each finding of a check what the check is about, and returns what it saw', async () => {
  const { look, findings } = examine();
  const seen = await look(
    { id: 'trust', url: 'http://k', login: 'user u' },
    async () => await Promise.resolve(7),
    (count) => [{ id: 'trust', verdict: 'good', what: `${count}`, login: 'user v' }],
  );
  expect(seen).toBe(7);
  expect(findings).toEqual([{ id: 'trust', url: 'http://k', login: 'user v', verdict: 'good', what: '7' }]);
});

test.each([
  [new AgentError('disk', 'no', { reason: 'read-only' }), 'read-only'],
  [new AgentError('login-refused', 'no'), 'login-refused'],
  [new TypeError('a bug'), undefined],
])('makes a bad finding of a check that throws: %s', async (thrown, reason) => {
  const { look, findings } = examine();
  const about = { id: 'trust', of: 'x', detail: () => ({ next: 'mend it' }) } as const;
  const fail = async (): Promise<never> => await Promise.reject(thrown);
  const seen = await look(about, fail, () => [BAD]);
  expect(seen).toBeUndefined();
  expect(findings).toMatchObject([{ id: 'trust', of: 'x', verdict: 'bad', next: 'mend it' }]);
  expect(findings[0]?.reason).toBe(reason);
  expect(findings[0]).not.toHaveProperty('detail');
});

test('begins no check after a stop, and reports no failure of one that was stopped', async () => {
  const stop = new AbortController();
  const { look, findings } = examine(stop.signal);
  const fail = async () => {
    stop.abort();
    return await Promise.reject(new AgentError('aborted', 'stopped'));
  };
  await look({ id: 'trust' }, fail, () => [BAD]);
  await look(
    { id: 'unit' },
    async () => await Promise.resolve(),
    () => [BAD],
  );
  expect(findings).toEqual([]);
});
