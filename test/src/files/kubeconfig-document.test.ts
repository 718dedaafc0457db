import { describe, expect, test } from 'vitest';
import { documentsOf, textOf } from '../../../src/files/kubeconfig-document.ts';
import { thrownBy } from '../support/outcome-of.ts';

/** The values of one key in each entry, as kubectl sees them. */
const valuesIn = (text: string, key = 'client-key'): (string | undefined)[][] =>
  documentsOf('x', text).map((document) =>
    document.entries('users', 'user').map(({ field }) => {
      const found = field(key);
      return found && textOf(found.scalar);
    }),
  );

describe('a field', () => {
  test.each([
    ['of the entry itself', 'users: [{name: a, user: {client-key: k}}]', [['k']]],
    ['of an alias', 'x: &k k\nusers: [{name: a, user: {client-key: *k}}]', [['k']]],
    ['of a map that is merged into it', 'x: &m {client-key: k}\nusers: [{user: {<<: *m}}]', [['k']]],
    [
      'of the first of several merged maps',
      'x: &m {client-key: k}\ny: &n {client-key: l}\nusers: [{user: {<<: [*m, *n]}}]',
      [['k']],
    ],
    [
      'that overrides one of a merged map',
      'x: &m {client-key: k}\nusers: [{user: {<<: *m, client-key: o}}]',
      [['o']],
    ],
    ['that occurs twice: the last one', 'users: [{user: {client-key: k, client-key: l}}]', [['l']]],
    ['that is empty', 'users: [{user: {client-key: ""}}]', [[undefined]]],
    ['in binary', 'users: [{user: {client-key: !!binary aw==}}]', [['k']]],
    [
      'of each of two lists',
      'users: [{user: {client-key: k}}]\nusers: [{user: {client-key: l}}]',
      [['k', 'l']],
    ],
    [
      'of each document',
      'users: [{user: {client-key: k}}]\n---\nusers: [{user: {client-key: l}}]',
      [['k'], ['l']],
    ],
  ])('%s', (_, text, values) => {
    expect(valuesIn(text)).toEqual(values);
  });

  test('of a map that merges itself does not hang', () => {
    expect(valuesIn('users: [{user: &m {<<: *m}}]')).toEqual([[undefined]]);
  });
});

test('ignores an entry without its part', () => {
  expect(valuesIn('users: [1, {name: a}, {name: b, user: 2}, {user: {client-key: k}}]')).toEqual([['k']]);
});

test.each([['- a\n'], ['text'], ['']])('ignores a document that is not a map: %j', (text) => {
  expect(documentsOf('x', text)).toEqual([]);
});

test('reports unrelated aliases of a field', () => {
  const text = 'a: &key k\nusers: [{user: {client-key: *key}}]\nother: *key\nanother: 1\n';
  const [document] = documentsOf('x', text);
  const [entry] = document?.entries('users', 'user') ?? [];
  const field = entry?.field('client-key');
  expect(field && document?.strays(field.scalar)).toEqual([text.lastIndexOf('*key')]);
  expect(field && text.slice(field.at, field.at + 4)).toBe('*key');
});

describe('rejects', () => {
  test('invalid YAML, with line and column', () => {
    const error = thrownBy(() => documentsOf('/etc/k/x', 'a: 1\nb: [\n'));
    expect(error.code).toBe('bad-file');
    expect(error.message).toMatch(/^\/etc\/k\/x: line \d+, column \d+: /);
  });

  test.each([
    ['invalid UTF-8', Buffer.from([0x61, 0xff]).toString('utf8')],
    ['text that is larger than any kubeconfig', `a: ${'x'.repeat(256 * 1024)}`],
  ])('%s', (_, text) => {
    expect(thrownBy(() => documentsOf('x', text))).toMatchObject({ code: 'bad-file' });
  });
});
