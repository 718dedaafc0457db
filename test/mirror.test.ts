import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

/** `generation.stuck.test.ts` covers one subject of generation.ts. */
const sourceOf = (path: string): string => path.replace(/(?<=\/[\w-]+)\.[\w-]+$/, '');
const root = resolve(import.meta.dirname, '..');

/** Returns the tests below a folder of test/, without `.test.ts`. */
const testsOf = (folder: string): string[] =>
  readdirSync(join(root, 'test', folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name.replace(/\.test\.ts$/, '')));

test.each(['agent', 'src'])('every test below test/%s has the path of its source', (folder) => {
  const tests = testsOf(folder);
  expect(tests.length).toBeGreaterThan(0);
  // `layouts.test.ts` tests a folder.
  const orphans = tests.filter(
    (path) => !existsSync(join(root, `${sourceOf(path)}.ts`)) && !existsSync(join(root, path)),
  );
  expect(orphans).toEqual([]);
});

/** Files of src/ without a test of their own. */
const UNTESTED = new Map([
  ['src/base/remark', 'a type'],
  ['src/certificates/layout', 'types'],
  ['src/files/managed-file', 'a type'],
  ['src/hooks/kill-unit', 'one call of systemctl'],
  ['src/hooks/request', 'a schema'],
  ['src/openstack/stack-outputs', 'test/contract, against the embedded and a real Heat'],
  ['src/operation/refuse', 'one error, asserted by the readers of operations'],
  ['src/services/control-groups', 'one constant'],
]);

test('every other file of src/ has a test of its own', () => {
  const has = new Set(testsOf('src').map(sourceOf));
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?<!\.d)\.ts$/.test(name))
    .map((name) => join('src', name.replace(/\.ts$/, '')));
  const isTested = (path: string): boolean => has.has(path) || has.has(join(path, '..'));
  expect(sources.filter((path) => !isTested(path)).toSorted()).toEqual([...UNTESTED.keys()]);
});
