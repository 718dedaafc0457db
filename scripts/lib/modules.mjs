// Are the node modules those of the lock file? Exit code 0: yes. For any Node from 20 on: it runs before the
// right one is there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8')).packages;

try {
  const wanted = Object.entries(read('package-lock.json')).filter(([path]) => path !== '');
  const installed = read('node_modules/.package-lock.json');
  const current = wanted.every(([path, { version, optional }]) =>
    // An optional one that is not there is for other machines.
    path in installed ? installed[path].version === version : optional === true,
  );
  process.exitCode = current ? 0 : 1;
} catch {
  process.exitCode = 1;
}
