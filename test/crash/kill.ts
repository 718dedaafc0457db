import { faultsAfterKill } from './after-kill.ts';
import type { Bench, Case, LayoutName, Work } from './bench.ts';
import { BROKEN, type Ending, endingOf, faultsOfEnding, faultsOfRun } from './ending.ts';
import { createRunner, type Run, runPlain, type Runner } from './run.ts';

/** A kind of rotation for a sweep. */
export type Scenario = { layout: LayoutName; fails: boolean; work?: Work };

export const createScenario = async (bench: Bench, { layout, fails, work }: Scenario): Promise<Case> => {
  const one = await bench.createCase(layout, work);
  if (fails) one.node.units.breakUnit(BROKEN, 'fails to start');
  return one;
};

/** Runs undisturbed, and returns the points of the run and its end. */
export async function undisturbed(
  bench: Bench,
  scenario: Scenario,
  runner: Runner,
): Promise<{ points: string[]; ending: Ending }> {
  const one = await createScenario(bench, scenario);
  try {
    const { code, points, stdout, stderr } = await runner.run(one.node.root);
    if (code !== (scenario.fails ? 1 : 0)) throw new Error(`code ${code}: ${stdout}${stderr}`);
    const stack = await one.cloud.settled(one.cluster);
    return { points, ending: { ...(await endingOf(one, scenario.fails ? 'old' : 'new')), stack } };
  } finally {
    await one.close();
  }
}

/** A run that is killed. */
export type Kill = (root: string, runner: Runner) => Promise<Run>;

export const killAt =
  (point: number): Kill =>
  async (root, runner) =>
    await runner.run(root, { killAt: point });

/** Kills with a power failure: unsynced changes are lost. */
export const cutPowerAt =
  (point: number, seed: number): Kill =>
  async (root, runner) =>
    await runner.run(root, { killAt: point, powerCutSeed: seed });

/** Kills at a time independent of any step. */
export const killAfter =
  (ms: number): Kill =>
  async (root) =>
    await runPlain(root, { ms, signal: 'SIGKILL' });

/** Stops at a step, as systemd does, in a process of its own: the second SIGTERM that a process receives ends it. */
export const stopAt =
  (point: number): Kill =>
  async (root) => {
    const runner = createRunner();
    try {
      return await runner.run(root, { stopAt: point });
    } finally {
      runner.close();
    }
  };

/** Stops at a time independent of any step. */
export const stopAfter =
  (ms: number): Kill =>
  async (root) =>
    await runPlain(root, { ms, signal: 'SIGTERM' });

/** The faults of a case, with the places of its kills. */
export type Finding = { killed: string[]; faults: string[] };

/**
 * Kills a rotation with each of `kills` in turn, each in a run that continues where the former was killed. Then lets it
 * complete, and checks everything.
 */
export async function killAndRecover(
  bench: Bench,
  scenario: Scenario,
  wanted: Ending,
  kills: readonly Kill[],
  runner: Runner,
): Promise<Finding> {
  const one = await createScenario(bench, scenario);
  const { root } = one.node;
  try {
    const killed: string[] = [];
    const faults: string[] = [];
    for (const kill of kills) {
      const run = await kill(root, runner);
      killed.push(
        run.killed
          ? (run.points.at(-1) ?? `after ${Math.round(run.ms)} ms`)
          : `not at all: ${run.code} ${run.stdout}${run.stderr}`,
      );
      faults.push(...faultsOfRun(run));
      faults.push(...(await faultsAfterKill(one)));
    }
    const recovery = await recoverAll(root, runner);
    faults.push(...recovery.flatMap(faultsOfRun), ...(await faultsOfEnding(one, wanted)));
    if (faults.length > 0)
      faults.push(...recovery.map(({ code, stdout, stderr }) => `${code}: ${stdout}${stderr}`));
    return { killed, faults };
  } finally {
    await one.close();
  }
}

/** Runs undisturbed, and again if work is still open. */
async function recoverAll(root: string, runner: Runner): Promise<Run[]> {
  const first = await runner.run(root);
  return first.code === 3 ? [first, await runner.run(root)] : [first];
}
