import { expect, test } from 'vitest';
import { isOld } from './after-kill.ts';
import { readManaged } from './bench.ts';
import { openBench } from './open-bench.ts';
import { accepted } from './disk-fault.ts';
import { BROKEN } from './ending.ts';
import { errorsOf } from './errors-of.ts';
import { createScenario } from './kill.ts';
import { GOING_BACK, IN_FILES } from './scenarios.ts';
import { withRunner } from './sweep.ts';

const bench = await openBench();

test.each([
  ['while the old files come back', 'after rename .*certs/server.crt$'],
  ['when they are back', 'before restart etcd'],
  ['twice', 'after rename .*certs/server.crt$', 'before restart etcd'],
])('reports the failed unit to Heat although it is killed %s', { timeout: 120_000 }, async (_, ...kills) => {
  const one = await createScenario(bench, GOING_BACK);
  try {
    await withRunner(async (runner) => {
      const { root } = one.node;
      for (const [index, kill] of kills.entries()) {
        const killWhere = index === 0 ? [`restart ${BROKEN}`, kill] : [kill];
        expect(await runner.run(root, { killWhere })).toMatchObject({ killed: true });
      }
      one.node.units.mend(BROKEN);
      await runner.run(root);
    });
    const [told] = accepted(one);
    expect(told).toMatchObject({ deploy_status_code: 1 });
    expect(told?.['deploy_stderr']).toContain(BROKEN);
    expect(await errorsOf(one)).toEqual([{ code: 'unit', reason: 'unit-ended', node: 'taken-back' }]);
  } finally {
    await one.close();
  }
});

/** As if that unit ended the agent too. */
const WITH_KUBELET = { killWhere: ['after restart kubelet'] };

test('rolls back after repeated kills at the same place', { timeout: 120_000 }, async () => {
  const one = await createScenario(bench, IN_FILES);
  try {
    await withRunner(async (runner) => {
      for (let kill = 0; kill < 6; kill += 1)
        expect(await runner.run(one.node.root, WITH_KUBELET)).toMatchObject({ killed: true });
      await runner.run(one.node.root);
    });
    expect(accepted(one)).toMatchObject([{ deploy_status_code: 1 }]);
    expect(await errorsOf(one)).toEqual([{ code: 'unit', reason: 'ended-too-often', node: 'taken-back' }]);
    expect(isOld(await readManaged(one.node.root), one.old)).toBe(true);
  } finally {
    await one.close();
  }
});

test('waits for a person after repeated kills on the way back as well', { timeout: 120_000 }, async () => {
  const one = await createScenario(bench, IN_FILES);
  const { root, units } = one.node;
  try {
    await withRunner(async (runner) => {
      for (let kill = 0; kill < 11; kill += 1)
        expect(await runner.run(root, WITH_KUBELET)).toMatchObject({ killed: true });
      const restarts = units.restarts.length;
      await runner.run(root, WITH_KUBELET);
      expect(accepted(one)).toMatchObject([{ deploy_status_code: 1 }]);
      expect(await errorsOf(one)).toEqual([{ code: 'state', reason: 'ended-too-often', node: 'stuck' }]);
      await runner.run(root, WITH_KUBELET);
      expect(units.restarts).toHaveLength(restarts);

      await runner.run(root, {}, 'rollback');
      expect(isOld(await readManaged(root), one.old)).toBe(true);
      one.rotate();
      await runner.run(root);
      expect(await one.cloud.settled(one.cluster)).toBe('UPDATE_COMPLETE');
    });
  } finally {
    await one.close();
  }
});
