import * as v from 'valibot';
import { expect, test } from 'vitest';
import { BadConfigFile, formatConfigFile, parseConfigFile, parseYaml } from '../../../agent/config/yaml.ts';
import { faultOf, thrownBy } from '../../src/support/outcome-of.ts';

const SCHEMA = v.strictObject({
  heat: v.strictObject({ user: v.string(), password: v.string() }),
  list: v.optional(v.array(v.strictObject({ name: v.string() }))),
  free: v.optional(v.record(v.string(), v.unknown())),
});

const parse = (text: string, whole = false): Record<string, unknown> =>
  parseConfigFile('/agent.yaml', text, SCHEMA, { whole });

/** Returns the fault and its line. */
function fault(text: string, whole = false): unknown {
  const error = thrownBy(() => parse(text, whole));
  if (!(error instanceof BadConfigFile)) throw error;
  return { ...error.fault, line: error.line };
}

test('accepts any part of a configuration in one file, unless it is the whole', () => {
  expect(parse('')).toEqual({});
  expect(parse('heat:\n  user: u\n')).toEqual({ heat: { user: 'u' } });
  expect(fault('heat:\n  user: u\n', true)).toEqual({ kind: 'missing', key: 'heat.password', line: 1 });
});

test.each([
  ['heat: [', { kind: 'syntax', line: 1 }],
  ['a: 1\na: 2\n', { kind: 'syntax', line: 2 }],
  ['- heat\n', { kind: 'not-a-map', line: undefined }],
  ['heat:\n  user: u\n  usr: v\n', { kind: 'unknown-key', key: 'heat.usr', line: 3 }],
  ['free:\n  x:\n    constructor: 1\n', { kind: 'unknown-key', key: 'free.x.constructor', line: 3 }],
  // Lists of different files are not merged.
  ['list:\n  - name: a\n  - {}\n', { kind: 'missing', key: 'list.1.name', line: 3 }],
])('finds %j on its line', (text, expected) => {
  expect(fault(text)).toMatchObject(expected);
});

test('names an invalid value by its key, and quotes no password', () => {
  expect(fault('heat:\n  user: 7\n')).toMatchObject({ kind: 'invalid', key: 'heat.user', line: 2 });
  const error = thrownBy(() => parse('heat:\n  user: u\n  password: 271828\n'));
  expect(error).toMatchObject({ code: 'config', reason: 'invalid', line: 3 });
  expect(error.message).not.toContain('271828');
});

test('rejects too much aliasing and a file that is too large', () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (const [name, of] of ['ba', 'cb', 'dc', 'ed'])
    bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${of}`).join(', ')}]`);
  expect(faultOf(() => parse(bomb.join('\n')))).toMatchObject({ code: 'config', reason: 'syntax' });
  expect(faultOf(() => parse(`free: { a: ${'x'.repeat(256 * 1024)} }`))).toMatchObject({
    reason: 'too-large',
  });
});

test("reads the last of a repeated key in another program's file, and quotes nothing in its faults", () => {
  expect(parseYaml('/kubelet.yaml', 'a: 1\na: 2\n')).toEqual({ a: 2 });
  const error = thrownBy(() => parseYaml('/kubelet.yaml', 'token: [geheim'));
  expect(error.code).toBe('bad-file');
  expect(error.message).not.toContain('geheim');
  expect(faultOf(() => parseYaml('/kubelet.yaml', 'x'.repeat(256 * 1024 + 1))).code).toBe('bad-file');
});

test('reads back what it writes', () => {
  const value = { heat: { user: 'u: #1', password: '007' } };
  const text = formatConfigFile('made by a test', value);
  expect(text).toMatch(/^# made by a test\n/);
  expect(parse(text)).toEqual(value);
});
