import { expect } from 'vitest';
import type { Bench } from './bench.ts';
import type { Ending } from './ending.ts';
import {
  createScenario,
  type Finding,
  type Kill,
  killAndRecover,
  type Scenario,
  undisturbed,
} from './kill.ts';
import { sample, seed, share } from './random.ts';
import { createRunner, runPlain, type Runner } from './run.ts';

/** The number of cases that run in parallel. */
const WIDTH = 3;

/** A rotation without kills, with which all others are compared. */
export type Reference = { points: string[]; ending: Ending };

const references = new WeakMap<Scenario, Promise<Reference>>();

export async function referenceOf(bench: Bench, scenario: Scenario): Promise<Reference> {
  const known =
    references.get(scenario) ?? withRunner(async (runner) => await undisturbed(bench, scenario, runner));
  references.set(scenario, known);
  return await known;
}

export type SweepResult = { reference: Reference; cases: number; kills: number; seconds: number };

/** Prints the size of a sweep on standard output. */
export const say = (name: string, { reference, cases, kills, seconds }: SweepResult): void => {
  const { points } = reference;
  process.stdout.write(
    `${name}: ${points.length} points, ${cases} cases, ${kills} kills, ${seconds} s, CRASH_SEED=${seed}\n`,
  );
};

/** Measures how long an undisturbed run of the installed program takes here and now. */
export async function plainRunTakes(bench: Bench, scenario: Scenario): Promise<number> {
  const one = await createScenario(bench, scenario);
  try {
    const { code, ms, stderr } = await runPlain(one.node.root);
    if (code !== (scenario.fails ? 1 : 0)) throw new Error(`code ${code}: ${stderr}`);
    return ms;
  } finally {
    await one.close();
  }
}

/** Chooses the kills of a scenario by its points, runs them all and reports faults. */
export async function sweep(
  bench: Bench,
  scenario: Scenario,
  choose: (reference: Reference) => Kill[][],
): Promise<SweepResult> {
  const start = performance.now();
  const reference = await referenceOf(bench, scenario);
  const chosen = choose(reference);
  const cases = sample(chosen, Math.ceil(chosen.length * share));
  const findings: Finding[] = [];
  await sideBySide(cases, WIDTH, async (kills, runner) => {
    const finding = await killAndRecover(bench, scenario, reference.ending, kills, runner);
    if (finding.faults.length === 0) return;
    findings.push(finding);
    // Printed at once, because a sweep takes long.
    process.stdout.write(`${JSON.stringify(finding, undefined, 2)}\n`);
  });
  expect(findings).toEqual([]);
  const seconds = Math.round((performance.now() - start) / 1000);
  return { reference, cases: cases.length, kills: cases.flat().length, seconds };
}

export async function withRunner<T>(work: (runner: Runner) => Promise<T>): Promise<T> {
  const runner = createRunner();
  try {
    return await work(runner);
  } finally {
    runner.close();
  }
}

/** Processes a list in parallel, with a runner for each worker. */
export async function sideBySide<T>(
  list: readonly T[],
  width: number,
  work: (item: T, runner: Runner) => Promise<void>,
): Promise<void> {
  const waiting = [...list];
  const worker = async (runner: Runner): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item, runner);
  };
  await Promise.all(Array.from({ length: width }, async () => await withRunner(worker)));
}
