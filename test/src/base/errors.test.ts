import { expect, test } from 'vitest';
import { AgentError, codeOf, detailOf, errnoOf, explain, isNotReady } from '../../../src/base/errors.ts';

test('gives an error its code, kind and cause', () => {
  const error = new AgentError('cloud-unreachable', 'asking Magnum', {
    cause: new Error('reset'),
    retryAfterMs: 5,
  });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({
    name: 'AgentError',
    code: 'cloud-unreachable',
    kind: 'not-ready',
    retryAfterMs: 5,
  });
  expect(codeOf(error)).toBe('cloud-unreachable');
  expect(isNotReady(error)).toBe(true);
});

test.each([
  ['cloud-refused', 'refused'],
  ['login-refused', 'refused'],
  ['unauthorized', 'refused'],
  ['bad-deployment', 'refused'],
  ['bad-certificate', 'failed'],
  ['disk', 'failed'],
  ['aborted', 'failed'],
] as const)('does not retry %s: its kind is %s', (code, kind) => {
  expect(new AgentError(code, 'x').kind).toBe(kind);
  expect(isNotReady(new AgentError(code, 'x'))).toBe(false);
});

test('gives foreign errors no code, and does not wait for them', () => {
  for (const thrown of [new Error('x'), 'x', undefined, null, 7]) {
    expect(codeOf(thrown)).toBeUndefined();
    expect(isNotReady(thrown)).toBe(false);
  }
});

test('separates the task of an error from its detail', () => {
  const cause = new AgentError('unit', 'it is off', { task: 'asking it' });
  const error = new AgentError('unit', '503', { task: 'signing', cause });
  expect(error).toMatchObject({ message: 'signing: 503', task: 'signing', detail: '503' });
  expect(detailOf(error)).toBe('503: asking it: it is off');
  expect(detailOf(new Error('reset'))).toBe('reset');
});

test('explains an error from the outside in, without repetition', () => {
  const inner = new Error('ECONNRESET');
  const middle = new Error('the connection was reset', { cause: inner });
  const outer = new AgentError('disk', 'asking Magnum: the connection was reset', { cause: middle });
  expect(explain(outer)).toBe('asking Magnum: the connection was reset: ECONNRESET');
});

test('does not repeat a system error that its wrapper already names', () => {
  const cause = Object.assign(new Error('EISDIR: illegal operation on a directory, read'), {
    code: 'EISDIR',
  });
  const error = new AgentError('disk', `reading /x: ${explain(cause)}`, { cause });
  expect(explain(error)).toBe('reading /x: a directory is in the way (EISDIR)');
});

test("prints an error's excerpt after the whole sentence", () => {
  const cause = new AgentError('unit', 'it failed', { excerpt: ['its journal:', 'bad flag'] });
  expect(explain(new AgentError('unit', 'it failed; the old files are back', { cause }))).toBe(
    'it failed; the old files are back\n  its journal:\n  bad flag',
  );
});

test('explains any error in finite text, even one that causes itself', () => {
  const loop = new Error('round');
  loop.cause = new Error('and round', { cause: loop });
  expect(explain(loop)).toBe('round: and round');
  expect(explain('text')).toBe('text');
  expect(explain({ a: 1 })).toBe('{"a":1}');
  expect(explain(new TypeError())).toBe('TypeError');
});

test('finds the errno below wrappers, and ignores other codes', () => {
  const system = Object.assign(new Error('open'), { code: 'ENOENT' });
  expect(errnoOf(new AgentError('disk', 'reading', { cause: new Error('x', { cause: system }) }))).toBe(
    'ENOENT',
  );
  expect(errnoOf(Object.assign(new Error('x'), { code: 'UND_ERR_SOCKET' }))).toBeUndefined();
  expect(errnoOf('ENOENT')).toBeUndefined();
});
