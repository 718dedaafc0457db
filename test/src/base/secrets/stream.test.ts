import { expect, test } from 'vitest';
import { createSecrets } from '../../../../src/base/secrets.ts';
import { createRedactingStream } from '../../../../src/base/secrets/stream.ts';

test('passes whole lines of a stream on at once', () => {
  const secrets = createSecrets();
  secrets.add('hunter22');
  const stream = secrets.stream();
  expect(stream.push('one\ntwo hunter')).toBe('one\n');
  expect(stream.push('22 three\n')).toBe('two *** three\n');
  expect(stream.push('-----BEGIN PRIVATE KEY-----\nMIIE\n')).toBe('');
  expect(stream.push('AAAA\n-----END PRIVATE KEY-----\nfour\n')).toBe('***\nfour\n');
});

test('releases the rest at the end, without a secret in it', () => {
  const secrets = createSecrets();
  secrets.add('hunter22');
  const stream = secrets.stream();
  expect(stream.push('one hunter22')).toBe('');
  expect(stream.end()).toBe('one ***');
  expect(stream.end()).toBe('');
});

test('holds a long line back only as far as a token may reach', () => {
  const stream = createRedactingStream(() => []);
  const line = 'y'.repeat(100_000);
  const released = stream.push(line).length;
  expect(released).toBeGreaterThan(90_000);
  expect(released).toBeLessThan(line.length);
  expect(stream.end()).toHaveLength(line.length - released);
});

test('does not hold a secret without an end forever', () => {
  const stream = createRedactingStream((text) => [{ start: 0, end: text.length }]);
  const pushed = Array.from({ length: 6 }, () => stream.push('y'.repeat(50_000)));
  expect(pushed.join('')).toMatch(/^(\*\*\*)+$/);
});
