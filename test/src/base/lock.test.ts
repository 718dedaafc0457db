import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { errnoOf } from '../../../src/base/errors.ts';
import { holderOf, takeLock } from '../../../src/base/lock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { tempRoot } from '../support/temp-root.ts';

test('tells a second run who holds the lock, until it is released', async () => {
  const { at, read } = await tempRoot();
  const path = at('/run/coe-agent/lock');
  const lock = await takeLock(path, 'run', 4711);
  expect(await read('/run/coe-agent/lock')).toBe('agent run (pid 4711)\n');
  const error = await agentErrorOf(takeLock(path, 'run-once', 4712));
  expect(error).toMatchObject({ code: 'lock-held' });
  expect(error.message).toContain('agent run (pid 4711)');
  expect(await read('/run/coe-agent/lock')).toContain('4711');
  await lock.release();
  const next = await takeLock(path, 'plan', 7);
  expect(await read('/run/coe-agent/lock')).toBe('agent plan (pid 7)\n');
  await next.release();
});

test('frees the lock of a killed program at once', async () => {
  const { at } = await tempRoot();
  const path = at('/lock');
  const source = `import { takeLock } from ${JSON.stringify(`${import.meta.dirname}/../../../src/base/lock.ts`)};
await takeLock(${JSON.stringify(path)}, 'run', process.pid); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  expect((await agentErrorOf(takeLock(path, 'plan', 1))).message).toContain(`pid ${child.pid}`);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  // The file still contains the killed program's name, but no process holds the lock.
  expect(await holderOf(path)).toBeUndefined();
  await (await takeLock(path, 'plan', 1)).release();
});

test('waits for a lock whose holder is about to release it', async () => {
  const { at } = await tempRoot();
  const path = at('/lock');
  const holder = await takeLock(path, 'run', 1);
  const { ino } = await stat(path);
  const next = takeLock(path, 'plan', 2);
  // proc_locks(5): a line with an arrow is a waiting process.
  const waits = new RegExp(`-> FLOCK .*:${ino} `);
  await vi.waitUntil(async () => waits.test(await readFile('/proc/locks', 'utf8')), { interval: 1 });
  await holder.release();
  await (await next).release();
});

test('reads the holder of the lock and the time of locking', async () => {
  const { at } = await tempRoot();
  const path = at('/run/coe-agent/lock');
  expect(await holderOf(path)).toBeUndefined();
  const lock = await takeLock(path, 'run', 4711);
  const { mtimeMs: since } = await stat(path);
  expect(await holderOf(path)).toEqual({ name: 'agent run (pid 4711)', verb: 'run', since });
  await lock.release();
  expect(await holderOf(path)).toBeUndefined();
});

test("finds the holder in a container's process namespace, where the kernel's list hides its lock", async ({
  skip,
}) => {
  const { at } = await tempRoot();
  const path = at('/run/coe-agent/lock');
  const source = `import { errnoOf } from '../../../src/base/errors.ts';
import { holderOf, takeLock } from ${JSON.stringify(`${import.meta.dirname}/../../../src/base/lock.ts`)};
const lock = await takeLock(${JSON.stringify(path)}, 'run', process.pid);
const held = await holderOf(${JSON.stringify(path)});
await lock.release();
console.log(JSON.stringify([held?.name, await holderOf(${JSON.stringify(path)})]));`;
  const inside = ['--pid', '--fork', '--mount-proc', process.execPath, '--input-type=module', '-e', source];
  const { status, stdout } = spawnSync('unshare', inside, { encoding: 'utf8' });
  if (status !== 0) skip('namespaces cannot be made here (not root?)');
  expect(JSON.parse(stdout)).toEqual([expect.stringMatching(/^agent run \(pid \d+\)$/), null]);
});

test('does not follow a planted symlink in place of the lock', async () => {
  const { at, write, read } = await tempRoot();
  await write('/secret', 'untouched');
  await symlink(at('/secret'), at('/lock'));
  expect(errnoOf(await agentErrorOf(takeLock(at('/lock'), 'run', 1)))).toBe('ELOOP');
  expect(await read('/secret')).toBe('untouched');
});

test("takes the lock on a full /run, but does not record the holder's name", async ({ skip }) => {
  const { at, read } = await tempRoot();
  await mkdir(at('/run'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', at('/run')], { stdio: 'ignore' });
  } catch {
    skip('a tmpfs cannot be mounted here (not root?)');
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', at('/run')]);
  });
  await writeFile(at('/run/filler'), 'x');
  const lock = await takeLock(at('/run/lock'), 'run', 4711);
  expect(await read('/run/lock')).toBe('');
  const error = await agentErrorOf(takeLock(at('/run/lock'), 'run-once', 4712));
  expect(error).toMatchObject({ code: 'lock-held' });
  await lock.release();
});
