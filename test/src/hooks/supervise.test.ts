import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { claimRecord, readRecordOf, writeRecord } from '../../../src/base/record.ts';
import { identify } from '../../../src/hooks/process.ts';
import { Claim, filesOf, type Order, Result } from '../../../src/hooks/run-files.ts';
import { supervise } from '../../../src/hooks/supervise.ts';
import { ORDER } from '../../agent/support/script-run.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { tempRoot } from '../support/temp-root.ts';

/** Makes the directory of a run, with an order to run this script. */
async function setUp(script: string, over: Partial<Order> = {}) {
  const { at, disk, write } = await tempRoot();
  const files = filesOf('/run');
  await write('/run/program', `#!/bin/sh\n${script}\n`, 0o700);
  const order = { ...ORDER, program: at('/run/program'), work: at('/run'), timeoutMs: 30_000, ...over };
  await writeRecord(disk, files.order, order);
  const stop = new AbortController();
  return {
    disk,
    files,
    stop,
    names: async () => await readdir(at('/run')),
    run: async () => {
      await supervise(at('/run'), { clock: systemClock, pid: process.pid, stopping: stop.signal });
    },
    result: async () => await readRecordOf(disk, files.result, Result),
  };
}

test('claims the order before it runs the program, and writes the result', async () => {
  const { disk, files, run, result } = await setUp(
    'until [ -e child ]; do sleep 0.01; done; cat claim child; echo pid $$; exit 3',
  );
  await run();
  const claim = await readRecordOf(disk, files.claim, Claim);
  expect(claim).toEqual({ by: 'supervisor', supervisor: await identify(process.pid, undefined) });
  const { statusCode, stdout = '' } = (await result()) ?? {};
  expect(statusCode).toBe(3);
  expect(stdout).toContain('"by":"supervisor"');
  const [, pid] = /^pid (\d+)$/m.exec(stdout) ?? [];
  expect(stdout).toContain(`{"pid":${pid},`);
});

test('does not run an order that the agent has withdrawn', async () => {
  const { disk, files, run, names, result } = await setUp('touch ran');
  await claimRecord(disk, files.claim, 'agent', { by: 'agent' });
  await run();
  expect(await result()).toBeUndefined();
  expect(await names()).not.toContain('ran');
});

test('runs an order once', async () => {
  const { run, names } = await setUp('echo x >> ran; test $(wc -l < ran) = 1');
  await run();
  await run();
  expect(await names()).toContain('ran');
});

test('says that a program ran out of time', async () => {
  const { run, result } = await setUp('exec sleep 60', { timeoutMs: 50, graceMs: 50 });
  await run();
  expect((await result())?.reason).toBeDefined();
});

test('needs an order', async () => {
  const { disk, files, run } = await setUp('true');
  await disk.remove(files.order);
  expect(await agentErrorOf(run())).toMatchObject({ code: 'state' });
});
