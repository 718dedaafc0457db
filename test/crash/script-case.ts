import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { createDisk } from '../../src/base/real-disk.ts';
import { ProcessIdentity } from '../../src/hooks/process.ts';
import { readRecordOf } from '../../src/base/record.ts';
import { Claim, filesOf } from '../../src/hooks/run-files.ts';
import type { CustomDeployment } from '../cloud/custom-deployment.ts';
import type { ReceivedSignal } from '../cloud/signals.ts';
import type { Bench } from './bench.ts';
import type { Plan } from './plan.ts';
import { withRunner } from './sweep.ts';

type Fresh = Awaited<ReturnType<Bench['createFresh']>>;

/** Makes a node with a requested script, which counts its runs. */
export async function withScript(
  bench: Bench,
  config: (root: string) => string,
  custom: CustomDeployment = {},
) {
  const fresh = await bench.createFresh('kubernetes-pki');
  const { cluster, node } = fresh;
  onTestFinished(node.close);
  const { id } = bench.cloud.deploy(cluster, 'master-0', {
    config: `#!/bin/sh\necho ran >>${node.root}/count\n${config(node.root)}`,
    outputs: [{ name: 'x' }],
    ...custom,
  });
  return { ...fresh, id, ...lookingAt(bench, fresh, id) };
}

const lookingAt = (bench: Bench, { cluster, node }: Fresh, id: string) => {
  const files = filesOf(join('/var/lib/coe-agent/runs', id));
  const disk = createDisk(node.root);
  return {
    files,
    disk,
    count: async () => await readFile(join(node.root, 'count'), 'utf8').catch(() => ''),
    signals: () => bench.cloud.signals.filter(({ stack }) => stack === cluster.name),
    /** The run's record on disk, once it exists. */
    claim: async () => {
      for (;;) {
        const claim = await readRecordOf(disk, files.claim, Claim);
        const child = await readRecordOf(disk, files.child, ProcessIdentity);
        if (claim?.by === 'supervisor' && child) return { supervisor: claim.supervisor, child };
        await sleep(10);
      }
    },
    left: async () => await readdir(join(node.root, 'var/lib/coe-agent/runs')).catch(() => []),
  };
};

/** The bodies of the signals that Heat accepted. */
export const bodies = (signals: readonly ReceivedSignal[]): unknown[] =>
  signals.filter(({ accepted }) => accepted).map(({ body }) => body);

export const ENDS_WELL = { deploy_stdout: 'said\n', deploy_stderr: '', deploy_status_code: 0, x: 'left' };
export const SCRIPT = (): string => 'sleep 0.1; echo said; printf left >"$heat_outputs_path.x"';

/** Runs the agent until no work is left. @returns the steps of its first run */
export async function runUntilDone(root: string, first: Plan, isDone: () => boolean): Promise<string[]> {
  return await withRunner(async (runner) => {
    const { points } = await runner.run(root, first);
    for (let times = 0; times < 5 && !isDone(); times += 1) await runner.run(root);
    // Another run must not repeat any work.
    await runner.run(root);
    return points;
  });
}

/** Kills the agent at steps of a script run, each time of a new one, and returns the number of steps. */
export async function sweepScript(
  bench: Bench,
  choose: (kills: readonly number[]) => number[],
): Promise<number> {
  const plain = await withScript(bench, SCRIPT);
  const points = await runUntilDone(plain.node.root, {}, () => plain.signals().length > 0);
  expect(bodies(plain.signals())).toEqual([ENDS_WELL]);

  const kills = choose(points.map((_, index) => index + 1));
  const work = async (): Promise<void> => {
    for (let killAt = kills.shift(); killAt !== undefined; killAt = kills.shift()) {
      const { node, signals, count, left } = await withScript(bench, SCRIPT);
      const [last] = await runUntilDone(node.root, { killAt }, () => bodies(signals()).length > 0);
      expect(await count(), `killed at ${killAt}: ${last}`).toBe('ran\n');
      expect(bodies(signals()), `killed at ${killAt}: ${last}`).toEqual([ENDS_WELL]);
      expect(await left(), `killed at ${killAt}: ${last}`).toEqual([]);
    }
  };
  await Promise.all([work(), work(), work()]);
  return points.length;
}
