import { type Kubernetes, WORKLOAD_KINDS, type Workload } from './kubernetes.ts';
import { awaitRollOut, type Late, nameOfWorkload, type RollOutHands } from './roll-out.ts';
import { whyItWaits } from './rolled-out.ts';

/** A workload whose pods are to have an annotation with this value. */
export type Marked = { workload: Workload; mark: string };

export type Replaced = { code: 'replaced' | 'waits'; of: string; text: string } | Late;

/** How fast pods are replaced, and how long they are waited for. */
export type Limits = { perSecond: number; deadlineMs: number };

export type ReplaceHands = RollOutHands & { kubernetes: Kubernetes };

/** Every Deployment, DaemonSet and StatefulSet of the cluster. */
export async function listWorkloads(kubernetes: Kubernetes, abort: AbortSignal): Promise<Workload[]> {
  const found: Workload[] = [];
  for (const kind of WORKLOAD_KINDS) found.push(...(await kubernetes.list(kind, undefined, abort)));
  return found;
}

/**
 * Replaces the pods of some workloads by annotating them, one after the other, and waits until the new ones are ready.
 * Workloads that have the annotation are only waited for, so an interrupted run continues.
 */
export async function replacePods(
  group: readonly Marked[],
  annotation: string,
  { perSecond, deadlineMs }: Limits,
  { kubernetes, clock, notice, tend }: ReplaceHands,
  abort: AbortSignal,
): Promise<Replaced[]> {
  if (group.length === 0) return [];
  const said: Replaced[] = [];
  for (const { workload, mark } of group) {
    const of = nameOfWorkload(workload);
    const why = whyItWaits(workload);
    if (why) said.push({ code: 'waits', of, text: `${of} ${why.text}` });
    if (workload.spec.template.metadata?.annotations?.[annotation] === mark) continue;
    await kubernetes.annotatePods(workload, annotation, mark, abort);
    said.push({ code: 'replaced', of, text: `the pods of ${of} are replaced` });
    await clock.sleep(1000 / perSecond, abort);
  }
  const names = new Set(group.map(({ workload }) => nameOfWorkload(workload)));
  const late = await awaitRollOut(deadlineMs, { clock, notice, tend }, abort, async () =>
    (await listWorkloads(kubernetes, abort)).filter((one) => names.has(nameOfWorkload(one))),
  );
  return [...said, ...late];
}
