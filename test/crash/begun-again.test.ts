import { expect, test } from 'vitest';
import { isOld } from './after-kill.ts';
import { type Case, readManaged } from './bench.ts';
import { openBench } from './open-bench.ts';
import { accepted } from './disk-fault.ts';
import { errorsOf } from './errors-of.ts';
import { createScenario } from './kill.ts';
import type { Runner } from './run.ts';
import { IN_FILES } from './scenarios.ts';
import { withRunner } from './sweep.ts';

/** A deployment that ends the agent each time before it replaces a file. */
const bench = await openBench();

async function killed(times: number, point: string, one: Case, runner: Runner): Promise<void> {
  for (let kill = 0; kill < times; kill += 1)
    expect(await runner.run(one.node.root, { killWhere: [point] })).toMatchObject({ killed: true });
}

const SIGNING = 'before POST .*/certificates$';

test('completes a rotation in the fifth start', { timeout: 120_000 }, async () => {
  const one = await createScenario(bench, IN_FILES);
  try {
    await withRunner(async (runner) => {
      await killed(4, SIGNING, one, runner);
      await runner.run(one.node.root);
    });
    expect(accepted(one)).toMatchObject([{ deploy_status_code: 0 }]);
  } finally {
    await one.close();
  }
});

test('abandons a rotation after five starts, and reports it to Heat', { timeout: 120_000 }, async () => {
  const one = await createScenario(bench, IN_FILES);
  try {
    await withRunner(async (runner) => {
      await killed(5, SIGNING, one, runner);
      await runner.run(one.node.root, { killWhere: [SIGNING] });
      expect(accepted(one)).toMatchObject([{ deploy_status_code: 1 }]);
      expect(await errorsOf(one)).toEqual([{ code: 'state', reason: 'begun-too-often' }]);
      const files = await readManaged(one.node.root);
      expect(isOld(files, one.old) && files.size === one.old.size).toBe(true);

      one.rotate();
      await runner.run(one.node.root);
      expect(await one.cloud.settled(one.cluster)).toBe('UPDATE_COMPLETE');
    });
  } finally {
    await one.close();
  }
});

test('does not restart services forever', { timeout: 120_000 }, async () => {
  const one = await createScenario(bench, IN_FILES);
  const { cloud, cluster, node } = one;
  try {
    await withRunner(async (runner) => {
      await runner.run(node.root);
      cloud.deploy(cluster, 'master-0', { resource: 'restart', group: 'coe-restart' });
      await killed(5, 'after restart kubelet', one, runner);
      const restarts = node.units.restarts.length;
      await runner.run(node.root, { killWhere: ['after restart kubelet'] });
      expect(node.units.restarts).toHaveLength(restarts);
      expect(accepted(one).at(-1)).toMatchObject({ deploy_status_code: 1 });
      expect((await errorsOf(one)).at(-1)).toEqual({ code: 'state', reason: 'begun-too-often' });
    });
  } finally {
    await one.close();
  }
});
