import type { Bench, Case } from './bench.ts';
import { BROKEN, faultsOfEnding, faultsOfRun, type Ending } from './ending.ts';
import { errorsOf } from './errors-of.ts';
import type { Errno } from './failing-fs.ts';
import { createScenario, type Scenario } from './kill.ts';
import type { Plan } from './plan.ts';
import type { Run, Runner } from './run.ts';

export const ERRNOS: readonly Errno[] = ['ENOSPC', 'EIO', 'EROFS', 'EACCES'];

/** The reason of a deployment that failed because of the disk. */
const REASONS: Readonly<Record<Errno, string>> = {
  ENOSPC: 'no-space',
  EIO: 'io-error',
  EROFS: 'read-only',
  EACCES: 'permission-denied',
};

export type DiskFault = NonNullable<Plan['fault']>;

export type DiskResult = { told: 'done' | 'failed'; faults: string[] };

/** The valid results of a rotation after one disk failure: complete, or everything old with a report to Heat. */
export type Endings = { done: Ending; failed: Ending };

/**
 * Runs one rotation with a failing disk, then completes it with a working one. After a reported failure, runs the next
 * rotation too.
 *
 * @returns the report to Heat, and the faults
 */
export async function rotateWithFault(
  bench: Bench,
  scenario: Scenario,
  fault: DiskFault,
  endings: Endings,
  runner: Runner,
): Promise<DiskResult> {
  const one = await createScenario(bench, scenario);
  const { root } = one.node;
  try {
    const runs = [await runner.run(root, { fault })];
    if (await isStuck(one)) runs.push(await runner.run(root, {}, 'rollback'));
    for (let again = 0; again < 2; again += 1) runs.push(await runner.run(root));
    const faults = runs.flatMap(faultsOfRun);

    const told = accepted(one)[0];
    const isDone = told?.['deploy_status_code'] === 0;
    const ending = isDone ? endings.done : endings.failed;
    faults.push(...(await faultsOfEnding(one, ending)).filter((text) => !text.startsWith('missing: ')));
    const [error] = await errorsOf(one);
    // A rotation that would roll back anyway may do so because of the unit.
    const isOfUnit = scenario.fails && error?.code === 'unit';
    if (!isDone && !isOfUnit && error?.reason !== REASONS[fault.errno])
      faults.push(`it failed by ${JSON.stringify(error)}; Heat was told ${JSON.stringify(told)}`);
    if (!isDone && faults.length === 0) faults.push(...(await rotateAgain(one, runner)));
    if (faults.length > 0) faults.push(...runs.map(inWords));
    return { told: isDone ? 'done' : 'failed', faults };
  } finally {
    await one.close();
  }
}

/** The bodies of the signals that Heat was waiting for. */
export const accepted = ({ cloud, cluster }: Case): Record<string, unknown>[] =>
  cloud.signals
    .filter((signal) => signal.stack === cluster.name && signal.accepted)
    .map(({ body }) => body ?? {});

/** Whether Heat was told that the node needs a person. */
export const isStuck = async (one: Case): Promise<boolean> =>
  accepted(one).some((body) => body['deploy_status_code'] !== 0) &&
  (await errorsOf(one)).some((error) => error?.node === 'stuck');

/** Checks that the next rotation repairs every node. */
export async function rotateAgain(one: Case, runner: Runner): Promise<string[]> {
  one.node.units.mend(BROKEN);
  one.rotate();
  const { code, stdout, stderr } = await runner.run(one.node.root);
  const stack = await one.cloud.settled(one.cluster);
  return code === 0 && stack === 'UPDATE_COMPLETE' ? [] : [`the next rotation: ${stack} ${stdout}${stderr}`];
}

const inWords = ({ code, stdout, stderr }: Run): string => `${code}: ${stdout}${stderr}`;
