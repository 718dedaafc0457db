import type { Bench, Case } from './bench.ts';
import { layoutOf } from './certificate-set.ts';
import { accepted, type DiskFault, type Endings, ERRNOS, isStuck, rotateAgain } from './disk-fault.ts';
import { faultsOfEnding, faultsOfRun } from './ending.ts';
import { createScenario, type Kill, killAt, type Scenario } from './kill.ts';
import { distinctPoints } from './points.ts';
import { sample } from './random.ts';
import type { Run, Runner } from './run.ts';
import { scenarioOf } from './scenarios.ts';
import { referenceOf, sideBySide } from './sweep.ts';

/** The fault in the first run after a kill. */
export type SecondFault =
  | { kind: 'unit'; unit: string }
  | { kind: 'disk'; fault: DiskFault }
  | { kind: 'magnum' };

export type TwoFaults = { killAt: number; second: SecondFault };

/** Combines each kill with another fault in turn, over all units and disk calls. */
export function twoFaults(
  scenario: Scenario,
  points: readonly string[],
  kills: number,
  random: () => number,
): TwoFaults[] {
  const units = layoutOf(scenario.layout).units.map(({ unit }) => unit);
  const all = distinctPoints(points);
  const whileRestarting = all.filter((point) => / restart /.test(points[point - 1] ?? ''));
  // There are few of them, and most can fail there.
  const chosen = [...sample(all, kills / 2), ...sample(whileRestarting, kills / 2)];
  return [...new Set(chosen)].map((point, index) => {
    const turn = Math.floor(index / KINDS);
    const errno = ERRNOS[turn % ERRNOS.length] ?? 'ENOSPC';
    // A recovery that rolls back makes some hundred disk calls.
    const at = 1 + Math.floor(random() * 100);
    const kinds: SecondFault[] = [
      { kind: 'unit', unit: units[turn % units.length] ?? '' },
      { kind: 'disk', fault: { at, errno } },
      { kind: 'disk', fault: { at, errno: 'ENOSPC', lastingBelow: turn % 2 === 0 ? '/etc' : '/' } },
      { kind: 'magnum' },
    ];
    return { killAt: point, second: kinds[index % KINDS] ?? { kind: 'magnum' } };
  });
}

const KINDS = 4;

export type TwoFaultsFinding = TwoFaults & { killed: string | undefined; faults: string[] };

/** Kills at each of the chosen points, applies its fault, and then runs undisturbed. */
export async function sweepTwoFaults(
  bench: Bench,
  scenario: Scenario,
  choose: (points: readonly string[]) => TwoFaults[],
): Promise<{ findings: TwoFaultsFinding[]; told: Record<'done' | 'failed', number> }> {
  const done = await referenceOf(bench, scenarioOf(scenario.layout, false));
  const failed = await referenceOf(bench, scenarioOf(scenario.layout, true));
  const findings: TwoFaultsFinding[] = [];
  const told = { done: 0, failed: 0 };
  await sideBySide(choose(done.points), 3, async (chosen, runner) => {
    const endings = { done: done.ending, failed: failed.ending };
    const { killed, isDone, faults } = await rotateWithTwoFaults(bench, scenario, chosen, endings, runner);
    told[isDone ? 'done' : 'failed'] += 1;
    if (faults.length === 0) return;
    findings.push({ ...chosen, killed, faults });
    process.stdout.write(`${JSON.stringify(findings.at(-1), undefined, 2)}\n`);
  });
  return { findings, told };
}

/** Compares the report to Heat with the files of the node and the certificates that its ports present. */
async function rotateWithTwoFaults(
  bench: Bench,
  scenario: Scenario,
  { killAt: point, second }: TwoFaults,
  endings: Endings,
  runner: Runner,
): Promise<{ killed: string | undefined; isDone: boolean; faults: string[] }> {
  const one = await createScenario(bench, scenario);
  const { root } = one.node;
  try {
    const first = await killAt(point)(root, runner);
    const runs = [first, await withSecond(second, one)(root, runner)];
    for (let again = 0; again < 2; again += 1) {
      if (await isStuck(one)) runs.push(await runner.run(root, {}, 'rollback'));
      runs.push(await runner.run(root));
    }
    const isDone = accepted(one)[0]?.['deploy_status_code'] === 0;
    const faults = runs.flatMap(faultsOfRun);
    const ending = await faultsOfEnding(one, isDone ? endings.done : endings.failed);
    // The existing directories depend on how far it came.
    faults.push(...ending.filter((text) => !text.startsWith('missing: ')));
    if (!isDone && faults.length === 0) faults.push(...(await rotateAgain(one, runner)));
    if (faults.length > 0) faults.push(...runs.map(inWords), JSON.stringify(accepted(one)));
    return { killed: first.points.at(-1), isDone, faults };
  } finally {
    await one.close();
  }
}

const withSecond =
  (second: SecondFault, { node, cloud, cluster }: Case): Kill =>
  async (root, runner) => {
    switch (second.kind) {
      case 'unit': {
        node.units.breakUnit(second.unit, 'fails to start once');
        const run = await runner.run(root);
        node.units.mend(second.unit);
        return run;
      }
      case 'disk':
        return await runner.run(root, { fault: second.fault });
      case 'magnum': {
        const refusal = { kind: 'answer', status: 403, body: '{}' } as const;
        const fault = cloud.fault({ service: 'magnum', path: new RegExp(cluster.uuid), effect: refusal });
        const run = await runner.run(root);
        fault.remove();
        return run;
      }
    }
  };

const inWords = ({ code, stdout, stderr }: Run): string => `${code}: ${stdout}${stderr}`;
