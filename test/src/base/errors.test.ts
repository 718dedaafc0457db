import { expect, test } from 'vitest';
import { AgentError, codeOf, errnoOf, explain, isNotReady } from '../../../src/base/errors.ts';

test('an error tells its code, its kind and what is underneath', () => {
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
] as const)('trying again does not help against %s: it is %s', (code, kind) => {
  expect(new AgentError(code, 'x').kind).toBe(kind);
  expect(isNotReady(new AgentError(code, 'x'))).toBe(false);
});

test('what others throw has no code and is not waited for', () => {
  for (const thrown of [new Error('x'), 'x', undefined, null, 7]) {
    expect(codeOf(thrown)).toBeUndefined();
    expect(isNotReady(thrown)).toBe(false);
  }
});

test('an explanation goes from the outside in and says nothing twice', () => {
  const inner = new Error('ECONNRESET');
  const middle = new Error('the connection was reset', { cause: inner });
  const outer = new AgentError('disk', 'asking Magnum: the connection was reset', { cause: middle });
  expect(explain(outer)).toBe('asking Magnum: the connection was reset: ECONNRESET');
});

test('a system error that its wrapper names already is not named again', () => {
  const cause = Object.assign(new Error('EISDIR: illegal operation on a directory, read'), {
    code: 'EISDIR',
  });
  const error = new AgentError('disk', `reading /x: ${explain(cause)}`, { cause });
  expect(explain(error)).toBe('reading /x: a directory is in the way (EISDIR)');
});

test('the lines that explain an error follow the whole sentence', () => {
  const cause = new AgentError('unit', 'it failed', { excerpt: ['its journal:', 'bad flag'] });
  expect(explain(new AgentError('unit', 'it failed; the old files are back', { cause }))).toBe(
    'it failed; the old files are back\n  its journal:\n  bad flag',
  );
});

test('an explanation of anything ends, even of an error that causes itself', () => {
  const loop = new Error('round');
  loop.cause = new Error('and round', { cause: loop });
  expect(explain(loop)).toBe('round: and round');
  expect(explain('text')).toBe('text');
  expect(explain({ a: 1 })).toBe('{"a":1}');
  expect(explain(new TypeError())).toBe('TypeError');
});

test('the errno is found below wrappers; other codes are none', () => {
  const system = Object.assign(new Error('open'), { code: 'ENOENT' });
  expect(errnoOf(new AgentError('disk', 'reading', { cause: new Error('x', { cause: system }) }))).toBe(
    'ENOENT',
  );
  expect(errnoOf(Object.assign(new Error('x'), { code: 'UND_ERR_SOCKET' }))).toBeUndefined();
  expect(errnoOf('ENOENT')).toBeUndefined();
});
