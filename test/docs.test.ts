import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { GENERATED, renewed } from '../scripts/docs.d/generated.ts';

test.each(Object.keys(GENERATED))('the generated parts of %s are current (npm run docs)', async (page) => {
  const text = await readFile(page, 'utf8');
  expect(text).toBe(renewed(page, text));
});
