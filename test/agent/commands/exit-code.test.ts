import { expect, test } from 'vitest';
import { exitCodeOf, exitCodeOfPass } from '../../../agent/commands/exit-code.ts';
import { AgentError, type ErrorCode } from '../../../src/base/errors.ts';
import { failed, succeeded } from '../../../src/deployment/outcome.ts';

// DESIGN: 0 done; 1 a deployment failed; 2 usage or configuration; 3 cloud not ready; 4 another run holds the lock.
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
])('an error %s ends a verb with %d', (code, exit) => {
  expect(exitCodeOf(new AgentError(code, 'x'))).toBe(exit);
});

test('an error that is not ours ends a verb with 1', () => {
  expect(exitCodeOf(new TypeError('x'))).toBe(1);
});

const DONE = succeeded('');
const FAILED = failed(new Error('no'));
type Ended = Parameters<typeof exitCodeOfPass>[0];
const pass = (over: Partial<Ended>): Ended => ({ settled: [], problems: [], open: [], ...over });
const UNREACHABLE = new AgentError('cloud-unreachable', 'x');

test('the exit code of a pass tells a failed deployment before a cloud that could not be asked', () => {
  expect(exitCodeOfPass(pass({ settled: [{ id: 'a', outcome: DONE }] }))).toBe(0);
  expect(exitCodeOfPass(pass({ problems: [UNREACHABLE] }))).toBe(3);
  expect(exitCodeOfPass(pass({ settled: [{ id: 'a', outcome: FAILED }], problems: [UNREACHABLE] }))).toBe(1);
});

test('an answer that nobody has acknowledged is a cloud that is not ready', () => {
  expect(
    exitCodeOfPass(pass({ open: [{ id: 'a', code: 'unlisted', why: 'no', retryAfterMs: undefined }] })),
  ).toBe(3);
});
