import { succeeded } from '../../src/deployment/outcome.ts';
import type { Journal } from '../../src/files/journal.ts';
import type { Hands } from '../hands.ts';
import type { RunRecord } from '../plan/run-record.ts';
import type { StepOf } from '../plan/step.ts';
import { findUnits, foundBefore } from './found-units.ts';

type Step = StepOf<'stage-files'>;
type Of = { runId: string; hands: Hands; abort: AbortSignal };

/** `left`: why units are not restarted, by name. */
type StagedFiles = { journal: Journal; left: ReadonlyMap<string, string> };

/** Stages lists of revoked certificates. */
export async function stageLists(step: Step, { runId, hands, abort }: Of): Promise<StagedFiles> {
  const { files, units, lists, said } = step;
  const outputs = { files: files.map(({ path }) => path) };
  const outcome = succeeded([...said, ''].join('\n'), outputs);
  const readers = lists.map(({ unitPlan }) => unitPlan);
  const { all } = await findUnits(readers, hands, abort);
  const journal = await hands.generations.stage(runId, files, (_, over): RunRecord => ({
    units: [...units],
    found: foundBefore(all, over),
    lists: [...lists],
    outcome,
    begun: hands.clock.now(),
  }));
  return { journal, left: new Map() };
}

/** Stages the files of a kept generation. The files that they replace are kept in turn. */
export async function stageKept(step: Step, { runId, hands, abort }: Of): Promise<StagedFiles> {
  const { units, left, all } = await findUnits(step.units, hands, abort);
  const paths = step.files.map(({ path }) => path);
  const journal = await hands.generations.stage(runId, step.files, (changed, over): RunRecord => ({
    units,
    found: foundBefore(all, over),
    outcome: succeeded(
      `${[...step.said, ...changed.map((path) => `  ${path}`), ...left.values()].join('\n')}\n`,
      { files: changed },
    ),
    begun: hands.clock.now(),
    keep: { paths, retires: false },
  }));
  return { journal, left };
}
