import { expect, test } from 'vitest';
import { openBench } from './open-bench.ts';
import { faultsForGood, faultsInTurn, faultsOnce, sweepFaults } from './disk-sweep.ts';
import { GOING_BACK, IN_FILES, IN_KUBECONFIGS } from './scenarios.ts';

const bench = await openBench();

const HOURS = { timeout: 3 * 3_600_000 };
const SCENARIOS = [
  ['a master with its certificates in files', IN_FILES, faultsOnce],
  ['a master with kubeconfigs', IN_KUBECONFIGS, faultsInTurn],
  ['a rotation that rolls back anyway', GOING_BACK, faultsInTurn],
] as const;

test.each(SCENARIOS)('survives one disk failure at any call: %s', HOURS, async (name, scenario, choose) => {
  const { findings, calls, told } = await sweepFaults(bench, scenario, choose);
  process.stdout.write(`disk, ${name}: ${calls} calls, ${JSON.stringify(told)}\n`);
  expect(findings).toEqual([]);
  expect(told.failed).toBeGreaterThan(0);
});

test.each(SCENARIOS)(
  "survives a permanent failure of the certificates' disk: %s",
  HOURS,
  async (name, scenario) => {
    const { findings, calls, told } = await sweepFaults(bench, scenario, (all) => faultsForGood(all, '/etc'));
    process.stdout.write(`disk for good, ${name}: ${calls} calls, ${JSON.stringify(told)}\n`);
    expect(findings).toEqual([]);
    expect(told.failed).toBeGreaterThan(0);
  },
);
