import { expect, test } from 'vitest';
import { isOld } from './after-kill.ts';
import { type Case, readManaged } from './bench.ts';
import { openBench } from './open-bench.ts';
import { accepted } from './disk-fault.ts';
import { unitFaults } from './ending.ts';
import { errorsOf } from './errors-of.ts';
import { createScenario } from './kill.ts';
import { seed, seededRandom } from './random.ts';
import { IN_FILES, IN_KUBECONFIGS } from './scenarios.ts';
import { sweepTwoFaults, twoFaults } from './second-fault.ts';
import { withRunner } from './sweep.ts';

/** The agent is killed, and its recovery fails: the node is consistently old or new, and Heat is told which. */
const bench = await openBench();

/** A sample of second-fault.full.test.ts. */
test.each([
  ['a master with its certificates in files', IN_FILES, 16],
  ['a master with kubeconfigs', IN_KUBECONFIGS, 8],
])(
  'keeps ports, files and the report to Heat consistent after a kill and another fault: %s',
  { timeout: 600_000 },
  async (name, scenario, kills) => {
    const random = seededRandom(seed);
    const { findings, told } = await sweepTwoFaults(bench, scenario, (points) =>
      twoFaults(scenario, points, kills, random),
    );
    process.stdout.write(`${name}: ${JSON.stringify(told)}, CRASH_SEED=${seed}\n`);
    expect(findings).toEqual([]);
    // Both kinds of results must occur, or the second fault has hit nothing.
    expect(told.done).toBeGreaterThan(0);
    expect(told.failed).toBeGreaterThan(0);
  },
);

test('leaves no unfinished journal if the rotation cannot be repeated', async () => {
  const point = 'after create /var/lib/coe-agent/generation/.journal.new';
  const { findings, told } = await sweepTwoFaults(bench, IN_FILES, (points) => [
    { killAt: points.indexOf(point) + 1, second: { kind: 'magnum' } },
  ]);
  expect(findings).toEqual([]);
  expect(told).toEqual({ done: 0, failed: 1 });
});

const KILLED = { killWhere: ['after restart kubelet'] };

async function expectAllOld(one: Case): Promise<void> {
  const files = await readManaged(one.node.root);
  expect(isOld(files, one.old)).toBe(true);
  expect(await unitFaults(one, files)).toEqual([]);
}

test('restarts every unit that the killed agent had restarted when a unit fails in the recovery', async () => {
  const one = await createScenario(bench, IN_FILES);
  const { root, units } = one.node;
  try {
    await withRunner(async (runner) => {
      expect(await runner.run(root, KILLED)).toMatchObject({ killed: true });
      units.breakUnit('etcd', 'fails to start once');
      await runner.run(root);
    });
    expect(accepted(one)).toMatchObject([{ deploy_status_code: 1 }]);
    expect(await errorsOf(one)).toMatchObject([{ code: 'unit', node: 'taken-back' }]);
    await expectAllOld(one);
  } finally {
    await one.close();
  }
});

test('restarts a unit on the way back that systemd started in between', async () => {
  const one = await createScenario(bench, IN_FILES);
  const { root, units } = one.node;
  try {
    await withRunner(async (runner) => {
      // The scheduler is never reached: etcd, which comes before it, fails. The API server has been stopped for etcd.
      expect(await runner.run(root, { killWhere: ['before restart etcd'] })).toMatchObject({ killed: true });
      units.startAgain('kube-scheduler');
      units.breakUnit('etcd', 'fails to start once');
      const before = units.restarts.length;
      await runner.run(root);
      expect(units.restarts.slice(before)).toEqual(['etcd', 'etcd', 'kube-apiserver', 'kube-scheduler']);
    });
    await expectAllOld(one);
  } finally {
    await one.close();
  }
});

test('agent rollback restarts every unit that uses files that it removes', async () => {
  const one = await createScenario(bench, IN_FILES);
  const { root } = one.node;
  try {
    await withRunner(async (runner) => {
      expect(await runner.run(root, KILLED)).toMatchObject({ killed: true });
      await runner.run(root, {}, 'rollback');
    });
    await expectAllOld(one);
  } finally {
    await one.close();
  }
});
