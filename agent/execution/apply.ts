import * as v from 'valibot';
import type { Journal } from '../../src/files/journal.ts';
import type { UnitSnapshot } from '../../src/services/restart.ts';
import type { ListPlan, Seen } from '../../src/services/list.ts';
import type { Rolled } from '../../src/services/workloads.ts';
import type { ClusterRemark } from '../credentials/change-object.ts';
import type { Hands } from '../hands.ts';
import { showStep } from '../plan/describe.ts';
import type { Tail } from '../plan/plan.ts';
import { type RunRecord, RunRecordSchema } from '../plan/run-record.ts';
import type { Step } from '../plan/step.ts';
import { timed } from '../progress.ts';
import { restartClusterWorkloads, type Tend } from '../rotation/workloads.ts';
import type { Ended } from './ended.ts';
import type { Run } from './prepare.ts';
import { restartInOrder } from './restart-in-order.ts';
import { excludeWayBack, undo } from './roll-back.ts';
import { assertAllStable, type ConnectionsEnded, connectionsEnded, restart, seeList } from './units.ts';

/**
 * Puts staged files in place, then restarts and proves the units. Rolls everything back if that fails. After an
 * interruption it resumes from the journal alone. The journal keeps the result until `finish`.
 *
 * @throws `aborted` when the node shuts down, or the program must stop while workloads are restarted: the journal knows
 * the progress; `disk` or `state` when the end cannot be recorded
 */
export async function apply(journal: Journal, tail: Tail, run: Run): Promise<Ended> {
  const { generations } = run.hands;
  let proven: Proven;
  try {
    proven = await prove(journal, tail, run);
  } catch (error) {
    return await undo(error, run);
  }
  const record = v.parse(RunRecordSchema, proven.journal.run);
  const { seen, workloads, objects } = proven;
  const stdout = [
    record.outcome.stdout,
    ...[...seen, ...workloads, ...objects].map(({ text }) => `${text}\n`),
  ].join('');
  const outputs = {
    ...record.outcome.outputs,
    ...(seen.length > 0 && { seen }),
    ...(workloads.length > 0 && { workloads }),
    ...(objects.length > 0 && { objects }),
  };
  const outcome = { ...record.outcome, stdout, outputs };
  await generations.end(proven.journal, { ...record, outcome } satisfies RunRecord);
  return { is: 'done', outcome };
}

/** A proven generation, with the observations that prove it. */
type Proven = {
  journal: Journal;
  seen: (Seen | ConnectionsEnded)[];
  workloads: Rolled[];
  objects: ClusterRemark[];
};

async function prove(journal: Journal, tail: Tail, run: Run): Promise<Proven> {
  const { hands, abort } = run;
  const proven =
    tail.from === 'replace'
      ? await replaceAndProve(journal, tail, run)
      : { journal, seen: [], workloads: [], objects: [] };
  const { workloads: plan, objects } = tail;
  if (plan)
    return await during({ do: 'restart-workloads', plan }, hands, async () => {
      const noted = await excludeWayBack(proven.journal, hands);
      const { said } = await restartClusterWorkloads(plan, hands, abort, tendPods(run));
      return { ...proven, journal: noted, workloads: said };
    });
  if (objects)
    return await during({ do: 'change-objects', plan: objects }, hands, async () => {
      const noted = await excludeWayBack(proven.journal, hands);
      const { changeClusterLogin } = await import('../credentials/cluster-login.ts');
      const changed = await changeClusterLogin(objects, hands, abort, tendPods(run));
      return { ...proven, journal: noted, objects: changed };
    });
  return proven;
}

/** Frees the pods of this node that hang while pods are replaced. Loaded only then. */
function tendPods({ hands, beforeRestart }: Run): Tend {
  let tend: Tend | undefined;
  return async (abort) => {
    const { createTend } = await import('./free-pods.ts');
    tend ??= createTend(hands, { beforeRestart });
    await tend(abort);
  };
}

async function replaceAndProve(
  journal: Journal,
  { units, lists }: Extract<Tail, { from: 'replace' }>,
  { hands, beforeRestart }: Run,
): Promise<Proven> {
  const committed = await during(
    { do: 'replace' },
    hands,
    async () => await hands.generations.commit(journal),
  );
  const snapshots = await restartInOrder(units, hands, beforeRestart);
  const seen: Proven['seen'] = connectionsEnded(snapshots);
  for (const list of lists) {
    const taken = await during({ do: 'prove-list', list }, hands, async () => await proveList(list, hands));
    snapshots.push(...taken.snapshots);
    seen.push(...taken.seen);
  }
  await assertAllStable(snapshots, hands);
  return { journal: committed, seen, workloads: [], objects: [] };
}

/** Proves a list of revoked certificates. Restarts the unit once if it does not reload its list by itself. */
async function proveList(list: ListPlan, hands: Hands): Promise<{ snapshots: UnitSnapshot[]; seen: Seen[] }> {
  const snapshots: UnitSnapshot[] = [];
  let seen = await seeList(list, hands);
  const isRead = (): boolean => seen.some(({ code }) => code === 'read');
  const text = `cannot verify that ${list.file} was read`;
  const unread: Seen = { code: 'unread', of: list.file, text };
  if (!isRead() && list.rereads) {
    const { name } = list.unitPlan;
    hands.progress({
      event: 'notice',
      code: 'list-unread',
      of: name,
      text: `${unread.text}: restarting ${name}`,
    });
    snapshots.push(...(await restart(list.unitPlan, hands)));
    seen = await seeList(list, hands);
  }
  return { snapshots, seen: isRead() ? seen : [...seen, unread] };
}

const during = async <T>(step: Step, hands: Hands, work: () => Promise<T>): Promise<T> =>
  await timed(hands, showStep(step), work);
