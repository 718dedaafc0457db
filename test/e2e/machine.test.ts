import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';

/** The machines of the other tests must not outlive the process that started them. */

const SCRIPT = join(import.meta.dirname, '../../scripts/machine');

test('ends a machine with all its processes when the process is killed that it belongs to', async () => {
  const state = await mkdtemp(join(tmpdir(), 'coe-machine-'));
  onTestFinished(async () => {
    if (existsSync(join(state, 'name'))) await execa(SCRIPT, ['down', '--state', state, '--purge']);
    await rm(state, { recursive: true, force: true });
  });
  const creator = execa('sleep', ['infinity'], { reject: false });
  await execa(SCRIPT, ['install']);
  await execa(SCRIPT, ['up', '--state', state, '--for', String(creator.pid)]);
  const pids = await Promise.all(
    ['machine', 'init', 'guard'].map(
      async (name) => (await readFile(join(state, 'pid', name), 'utf8')).split(' ')[0],
    ),
  );
  const alive = (): unknown[] => pids.filter((pid) => existsSync(`/proc/${pid}`));
  expect(alive()).toEqual(pids);
  creator.kill('SIGKILL');
  await creator;
  const until = performance.now() + 60_000;
  while (existsSync(state) || alive().length > 0) {
    if (performance.now() > until) throw new Error(`still there: ${state} ${alive().join(' ')}`);
    await sleep(100);
  }
});
