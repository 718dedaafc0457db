import { expect, test } from 'vitest';
import { readManaged } from './bench.ts';
import { openBench } from './open-bench.ts';
import { faultsOfSet } from './certificate-set.ts';
import { faultsOfEnding, faultsOfRun } from './ending.ts';
import { createScenario, type Scenario } from './kill.ts';
import { GOING_BACK, IN_FILES } from './scenarios.ts';
import { referenceOf, withRunner } from './sweep.ts';

const bench = await openBench();

/** After the first replacement, the journal alone decides: a consistent node needs no cloud. */
test.each([
  ['while committing', IN_FILES, ['after rename .*certs/kubelet.key$']],
  ['when committed', IN_FILES, ['before restart kube-apiserver']],
  ['while going back', GOING_BACK, ['restart kubelet', 'after rename .*certs/server.crt$']],
  ['before the answer', IN_FILES, ['before POST .*/signal']],
] as const)(
  'recovers without a cloud after a kill %s',
  { timeout: 120_000 },
  async (_, scenario: Scenario, killWhere) => {
    await withRunner(async (runner) => {
      const { ending } = await referenceOf(bench, scenario);
      const one = await createScenario(bench, scenario);
      const { root } = one.node;
      try {
        expect(await runner.run(root, { killWhere })).toMatchObject({ killed: true });
        for (const service of ['keystone', 'heat', 'magnum'] as const)
          bench.cloud.fault({ service, effect: { kind: 'reset', when: 'before' } });
        const alone = await runner.run(root);
        expect(faultsOfRun(alone)).toEqual([]);
        expect(faultsOfSet(one.layout, await readManaged(root))).toEqual([]);
        expect(one.cloud.stackStatus(one.cluster)).toBe('UPDATE_IN_PROGRESS');

        bench.cloud.clearFaults();
        await runner.run(root);
        expect(await faultsOfEnding(one, ending)).toEqual([]);
      } finally {
        bench.cloud.clearFaults();
        await one.close();
      }
    });
  },
);
