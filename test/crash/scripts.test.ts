import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { writeRecord } from '../../src/base/record.ts';
import type { OutcomeError } from '../../src/deployment/deployment.ts';
import { identify, presenceOf } from '../../src/hooks/process.ts';
import { openBench } from './open-bench.ts';
import { errorsOf } from './errors-of.ts';
import { sample } from './random.ts';
import { bodies, ENDS_WELL, SCRIPT, sweepScript, withScript } from './script-case.ts';

/** A script cannot be undone: it runs once and is reported once, wherever the agent is killed. */
const bench = await openBench();

test('runs and reports it once after a kill at some of its steps', { timeout: 300_000 }, async () => {
  expect(await sweepScript(bench, (kills) => sample(kills, 12))).toBeGreaterThan(40);
});

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'leaves a running script alone on %s, and reports its result in the next daemon',
  async (signal) => {
    const { node, cluster, claim, signals, count, left } = await withScript(
      bench,
      (root) => `until [ -e ${root}/go ]; do sleep 0.05; done\n${SCRIPT()}`,
    );
    const first = node.start('run');
    const { supervisor, child } = await claim();
    first.kill(signal);
    await once(first, 'close');
    expect([await presenceOf(supervisor), await presenceOf(child)]).toEqual(['alive', 'alive']);

    const second = node.start('run');
    onTestFinished(() => void second.kill('SIGKILL'));
    await writeFile(join(node.root, 'go'), '');
    expect(await bench.cloud.settled(cluster)).toBe('UPDATE_COMPLETE');
    expect(await count()).toBe('ran\n');
    expect(bodies(signals())).toEqual([ENDS_WELL]);
    second.kill('SIGTERM');
    await once(second, 'close');
    expect(second.exitCode).toBe(0);
    expect(await left()).toEqual([]);
  },
);

test('reports a script that ended while the agent was down, even if its hook is gone', async () => {
  const { node, claim, signals, disk } = await withScript(bench, () => '', { group: 'salt' });
  const hook = '/usr/libexec/heat-config/hooks/salt';
  await node.write(hook, `#!/bin/sh\necho ran >>${node.root}/count; sleep 0.3; echo '{"x": 7}'`, 0o755);
  const first = node.start('run');
  const { supervisor } = await claim();
  first.kill('SIGKILL');
  await once(first, 'close');
  await disk.remove(hook);
  while ((await presenceOf(supervisor)) === 'alive') await sleep(20);
  expect((await node.agent('run-once')).code).toBe(0);
  expect(bodies(signals())).toEqual([{ ...ENDS_WELL, deploy_stdout: '', x: 7 }]);
});

/** The error in the answer to a lost run. */
async function errorAfterLoss(
  lose: (one: Awaited<ReturnType<typeof withScript>>) => Promise<void>,
): Promise<OutcomeError> {
  const one = await withScript(bench, () => 'echo begun; sleep 600');
  const { node, claim, count, signals, left } = one;
  const first = node.start('run');
  const { child } = await claim();
  onTestFinished(async () => {
    if ((await presenceOf(child)) === 'alive') process.kill(-child.pid, 'SIGKILL');
  });
  while ((await readFile(join(node.root, one.files.stdout), 'utf8')) === '') await sleep(10);
  first.kill('SIGKILL');
  await once(first, 'close');
  await lose(one);
  for (const time of [1, 0]) expect((await node.agent('run-once')).code).toBe(time);
  expect(await count()).toBe('ran\n');
  expect(await left()).toEqual([]);
  // Its end would not be noticed, so it is not left running.
  expect(await identify(child.pid)).toBeUndefined();
  const [body, ...more] = bodies(signals());
  expect(more).toEqual([]);
  expect(body).toMatchObject({ deploy_stdout: 'begun\n', deploy_status_code: 1 });
  return (await errorsOf(one)).at(-1);
}

test('answers a run whose process is gone as failed, and does not repeat it', async () => {
  const error = await errorAfterLoss(async ({ claim }) => {
    const { supervisor } = await claim();
    process.kill(supervisor.pid, 'SIGKILL');
    while ((await presenceOf(supervisor)) === 'alive') await sleep(10);
  });
  expect(error).toEqual({ code: 'unit', reason: 'run-killed' });
});

test('answers a run that a shutdown ended as failed, and does not repeat it', async () => {
  const error = await errorAfterLoss(async ({ claim, disk, files }) => {
    const { supervisor, child } = await claim();
    process.kill(supervisor.pid, 'SIGKILL');
    process.kill(-child.pid, 'SIGKILL');
    await writeRecord(disk, files.claim, {
      by: 'supervisor',
      supervisor: { ...supervisor, boot: 'an earlier one' },
    });
  });
  expect(error).toEqual({ code: 'unit', reason: 'run-rebooted' });
});
