import { expect, test } from 'vitest';
import { exitCodeOf, exitCodeOfPass } from '../../../agent/commands/exit-code.ts';
import { AgentError, type ErrorCode } from '../../../src/base/errors.ts';
import { failed, succeeded } from '../../../src/deployment/outcome.ts';

// 0 done; 1 a deployment failed; 2 usage or configuration; 3 cloud not ready; 4 another run holds the lock.
test.each<[ErrorCode, number]>([
  ['lock-held', 4],
  ['usage', 2],
  ['config', 2],
  ['bad-heat-params', 2],
  ['cloud-unreachable', 3],
  ['not-yet', 3],
  ['bad-answer', 3],
  ['login-refused', 3],
  ['cloud-refused', 1],
  ['precondition', 1],
  ['disk', 1],
  ['unit', 1],
])('on the error %s, ends a verb with %d', (code, exit) => {
  expect(exitCodeOf(new AgentError(code, 'x'))).toBe(exit);
});

test('ends a verb with 1 on a foreign error', () => {
  expect(exitCodeOf(new TypeError('x'))).toBe(1);
});

const DONE = succeeded('');
const FAILED = failed(new Error('no'));
type Ended = Parameters<typeof exitCodeOfPass>[0];
const pass = (over: Partial<Ended>): Ended => ({ settled: [], problems: [], open: [], ...over });
const UNREACHABLE = new AgentError('cloud-unreachable', 'x');

test('reports a failed deployment before a cloud that could not be asked', () => {
  expect(exitCodeOfPass(pass({ settled: [{ id: 'a', outcome: DONE }] }))).toBe(0);
  expect(exitCodeOfPass(pass({ problems: [UNREACHABLE] }))).toBe(3);
  expect(exitCodeOfPass(pass({ settled: [{ id: 'a', outcome: FAILED }], problems: [UNREACHABLE] }))).toBe(1);
});

test('reports an unacknowledged answer as a cloud that is not ready', () => {
  expect(
    exitCodeOfPass(pass({ open: [{ id: 'a', code: 'unlisted', why: 'no', retryAfterMs: undefined }] })),
  ).toBe(3);
});
