import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { isOld } from './after-kill.ts';
import { type Case, readManaged } from './bench.ts';
import { openBench } from './open-bench.ts';
import { accepted } from './disk-fault.ts';
import { errorsOf } from './errors-of.ts';
import { withRunner } from './sweep.ts';

const bench = await openBench();

const run = promisify(execFile);

/** Mounts a small file system for a folder of a node; false if this is not permitted here. */
async function mountSmall(one: Case, folder: string, options: string): Promise<boolean> {
  const path = join(one.node.root, folder);
  const aside = `${path}.aside`;
  await run('cp', ['-a', path, aside]);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]);
  } catch {
    await rm(aside, { recursive: true });
    return false;
  }
  await run('cp', ['-a', `${aside}/.`, path]);
  await rm(aside, { recursive: true });
  return true;
}

// The first is too small for the staged files, the second has too few inodes for them.
test.each([
  ['a few pages too small', 'mode=0550,size=160k'],
  ['with too few inodes', 'mode=0550,size=4m,nr_inodes=26'],
])('leaves the node unchanged on a file system of its own %s', { timeout: 120_000 }, async (_, options) => {
  const one = await bench.createCase('kubernetes-certs');
  const folder = '/etc/kubernetes/certs';
  let mounted = false;
  try {
    mounted = await mountSmall(one, folder, options);
    if (!mounted) {
      process.stdout.write('a tmpfs cannot be mounted here (not root?): skipped\n');
      return;
    }
    const result = await withRunner(async (runner) => await runner.run(one.node.root));
    expect(result.code).toBe(1);
    expect(await one.cloud.settled(one.cluster)).toBe('ROLLBACK_COMPLETE');
    expect(accepted(one)).toMatchObject([{ deploy_status_code: 1 }]);
    expect(accepted(one)[0]?.['deploy_stderr']).toContain(folder);
    expect(await errorsOf(one)).toEqual([{ code: 'precondition', reason: 'disk' }]);
    const files = await readManaged(one.node.root);
    expect(isOld(files, one.old)).toBe(true);
    expect([...files.keys()].filter((path) => !one.old.has(path))).toEqual([]);

    await run('mount', ['-o', 'remount,size=8m,nr_inodes=1000', join(one.node.root, folder)]);
    one.rotate();
    await withRunner(async (runner) => await runner.run(one.node.root));
    expect(await one.cloud.settled(one.cluster)).toBe('UPDATE_COMPLETE');
  } finally {
    if (mounted) await run('umount', ['-l', join(one.node.root, folder)]);
    await one.close();
  }
});
