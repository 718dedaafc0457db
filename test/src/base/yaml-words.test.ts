import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { yamlWords } from '../../../src/base/yaml-words.ts';

test.each([
  ['an unclosed list', 'a: [1\nb: 2\n'],
  ['a map within a line', 'a: b: c\n'],
  ['a second document', 'a: 1\n---\nb: 2\n'],
])('reports %s without its place and without advice for programmers', (_, text) => {
  const [error] = parseDocument(text).errors;
  expect(error).toBeDefined();
  const words = yamlWords(error ?? { code: '', message: '' });
  expect(words).toMatch(/\S/);
  expect(words).not.toMatch(/ at line|parseAllDocuments|\n/);
});
