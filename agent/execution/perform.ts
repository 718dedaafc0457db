import { AgentError } from '../../src/base/errors.ts';
import type { Plan, RestartPlan } from '../plan/plan.ts';
import { showStep } from '../plan/describe.ts';
import { requireFit } from '../inspection/preflight.ts';
import { timed } from '../progress.ts';
import { apply } from './apply.ts';
import type { Ended } from './ended.ts';
import { prepare, type Run, type Staged } from './prepare.ts';
import { restarted } from './report.ts';
import { restartInOrder } from './restart-in-order.ts';
import { undo } from './roll-back.ts';
import { assertAllStable, startStopped } from './units.ts';

/**
 * Carries out a plan. A failure before the first replaced file leaves the node unchanged; a later failure rolls back.
 *
 * @throws `aborted` when the program must stop before a file was replaced, so that the same run can be repeated, or
 * when the node shuts down: then the journal knows the progress; `disk` or `state` when the result cannot be recorded
 */
export async function perform(plan: Plan, run: Run): Promise<Ended> {
  if (plan.kind === 'restart') return await performRestarts(plan, run);
  let staged: Staged;
  try {
    staged = await prepare(plan, run);
  } catch (error) {
    return await undo(run.abort.aborted ? stopped(error) : error, run);
  }
  if (staged.is === 'nothing-to-do') return { is: 'done', outcome: staged.outcome };
  return await apply(staged.journal, staged.tail, run);
}

/** What fails while the program stops may fail because of that, and no file was replaced: the run is repeated. */
const stopped = (cause: unknown): AgentError =>
  new AgentError('aborted', 'stopped before a file was replaced', { cause });

/** Restarts units. There is no generation, so there is nothing to roll back. */
async function performRestarts({ check, units }: RestartPlan, run: Run): Promise<Ended> {
  const { hands, abort, beforeRestart } = run;
  try {
    await timed(hands, showStep(check), async () => {
      await requireFit(check.paths, check.units, hands, abort);
    });
    await assertAllStable(await restartInOrder(units, hands, beforeRestart), hands);
  } catch (error) {
    await startStopped(units, hands);
    return await undo(error, run);
  }
  return { is: 'done', outcome: restarted(units) };
}
