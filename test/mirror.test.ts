import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

/** `generation.stuck.test.ts` covers one subject of generation.ts. */
const sourceOf = (path: string): string => path.replace(/(?<=\/[\w-]+)\.[\w-]+$/, '');
const root = resolve(import.meta.dirname, '..');

test.each(['agent', 'src'])('every test below test/%s has the path of its source', (folder) => {
  const tests = readdirSync(join(root, 'test', folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name.replace(/\.test\.ts$/, '')));
  expect(tests.length).toBeGreaterThan(0);
  // `layouts.test.ts` tests a folder.
  const orphans = tests.filter(
    (path) => !existsSync(join(root, `${sourceOf(path)}.ts`)) && !existsSync(join(root, path)),
  );
  expect(orphans).toEqual([]);
});
