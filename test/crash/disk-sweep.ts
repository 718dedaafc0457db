import type { Bench } from './bench.ts';
import { type DiskFault, type DiskResult, type Endings, ERRNOS, rotateWithFault } from './disk-fault.ts';
import type { Scenario } from './kill.ts';
import { diskCalls } from './points.ts';
import { scenarioOf } from './scenarios.ts';
import { referenceOf, sideBySide } from './sweep.ts';

/** Every call of a rotation fails once, in every way. */
export const faultsOnce = (calls: readonly string[]): DiskFault[] =>
  calls.flatMap((_, index) => ERRNOS.map((errno) => ({ at: index + 1, errno })));

/** Every call of a rotation fails once, in one of the ways. */
export const faultsInTurn = (calls: readonly string[]): DiskFault[] =>
  calls.map((_, index) => ({ at: index + 1, errno: ERRNOS[index % ERRNOS.length] ?? 'EIO' }));

/** From some call on, everything below a folder fails, as on a file system that has become read-only. */
export const faultsForGood = (calls: readonly string[], folder: string): DiskFault[] =>
  faultsInTurn(calls).map((fault) => ({ ...fault, lastingBelow: folder }));

export type DiskFinding = { fault: DiskFault; call: string | undefined; faults: string[] };

export async function sweepFaults(
  bench: Bench,
  scenario: Scenario,
  choose: (calls: string[]) => DiskFault[],
): Promise<{ findings: DiskFinding[]; calls: number; told: Record<DiskResult['told'], number> }> {
  const done = await referenceOf(bench, scenarioOf(scenario.layout, false));
  const failed = await referenceOf(bench, scenarioOf(scenario.layout, true));
  const { points } = scenario.fails ? failed : done;
  const endings: Endings = { done: done.ending, failed: failed.ending };
  const calls = diskCalls(points);
  const chosen = choose(calls);
  const told = { done: 0, failed: 0 };
  const findings: DiskFinding[] = [];
  await sideBySide(chosen, 3, async (fault, runner) => {
    const { told: outcome, faults } = await rotateWithFault(bench, scenario, fault, endings, runner);
    told[outcome] += 1;
    if (faults.length > 0) findings.push({ fault, call: calls[fault.at - 1], faults });
  });
  return { findings, calls: calls.length, told };
}
