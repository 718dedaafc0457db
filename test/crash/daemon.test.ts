import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, type Case, createBench } from './bench.ts';
import { type Ending, faultsOfEnding } from './ending.ts';
import { seed, seededRandom } from './random.ts';
import { IN_FILES } from './scenarios.ts';
import { referenceOf, withRunner } from './sweep.ts';

let bench: Bench;
let ending: Ending;
const random = seededRandom(seed);
beforeAll(async () => {
  bench = await createBench();
  ({ ending } = await referenceOf(bench, IN_FILES));
});
afterAll(async () => {
  await bench.close();
});

/** Runs the daemon until it is killed after a while, or stops it when the stack is idle. */
async function runDaemon(one: Case, killAfterMs?: number): Promise<{ code: number | null; log: string }> {
  const daemon = one.node.start('run');
  let log = '';
  daemon.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const closed = once(daemon, 'close');
  if (killAfterMs === undefined) await one.cloud.settled(one.cluster, 120_000);
  else await sleep(killAfterMs);
  // Heat accepts the answer shortly before the node records this.
  if (killAfterMs === undefined) await sleep(500);
  daemon.kill(killAfterMs === undefined ? 'SIGTERM' : 'SIGKILL');
  await closed;
  return { code: daemon.exitCode, log };
}

test('completes the rotation although the daemon is killed repeatedly', { timeout: 300_000 }, async () => {
  const one = await bench.createCase('kubernetes-certs');
  try {
    const kills = Array.from({ length: 4 }, () => 300 + random() * 1500);
    for (const ms of kills) await runDaemon(one, ms);
    const { code, log } = await runDaemon(one);
    expect(code, log).toBe(0);
    expect(await faultsOfEnding(one, ending), `CRASH_SEED=${seed} ${log}`).toEqual([]);
  } finally {
    await one.close();
  }
});

test('continues after the daemon finds a damaged journal', { timeout: 300_000 }, async () => {
  const one = await bench.createCase('kubernetes-certs');
  try {
    await withRunner(
      async (runner) => await runner.run(one.node.root, { killWhere: ['after rename .*certs/kubelet.key$'] }),
    );
    const journal = join(one.node.root, 'var/lib/coe-agent/generation/journal');
    await writeFile(journal, (await readFile(journal)).subarray(0, 100));
    const { code, log } = await runDaemon(one);
    expect(code, log).toBe(0);
    expect(log).toContain('/var/lib/coe-agent/generation/journal');
    expect(await faultsOfEnding(one, ending), log).toEqual([]);
  } finally {
    await one.close();
  }
});
