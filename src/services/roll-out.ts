import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { pollUntil } from '../base/poll.ts';
import type { Workload } from './kubernetes.ts';
import { whyItWaits, whyNotRolledOut } from './rolled-out.ts';

const AGAIN_MS = 2000;

/** A workload whose new pods were not ready at the deadline. */
export type Late = { code: 'late'; of: string; text: string };

export type RollOutHands = {
  clock: Clock;
  notice(text: string): void;
  /** Called before each look at the workloads: this node can remove obstacles of its own. */
  tend?: ((abort: AbortSignal) => Promise<void>) | undefined;
};

/** `deployment kube-system/coredns` */
export const nameOfWorkload = ({ kind, metadata }: Workload): string =>
  `${kind.slice(0, -1)} ${metadata.namespace}/${metadata.name}`;

/**
 * Waits until all pods of some workloads are new and ready. A workload whose pods are not replaced automatically is not
 * waited for.
 *
 * @param list the workloads as they are now
 * @returns those that were not ready in time
 */
export async function awaitRollOut(
  deadlineMs: number,
  { clock, notice, tend }: RollOutHands,
  abort: AbortSignal,
  list: () => Promise<readonly Workload[]>,
): Promise<Late[]> {
  const deadline = clock.elapsed() + deadlineMs;
  const late = { code: 'not-yet', what: 'the workloads are not rolled out' } as const;
  return await pollUntil({ clock, everyMs: AGAIN_MS, deadline: Infinity, late }, abort, async () => {
    await tend?.(abort);
    const missing = (await list()).flatMap((workload) => {
      const why = whyItWaits(workload) === undefined ? whyNotRolledOut(workload) : undefined;
      const of = nameOfWorkload(workload);
      return why === undefined ? [] : [{ of, text: `${of} ${why.text}` }];
    });
    if (missing.length === 0) return [];
    if (clock.elapsed() <= deadline)
      throw new AgentError('not-yet', missing.map(({ text }) => text).join(', '));
    for (const { text } of missing) notice(text);
    const inTime = `not rolled out within ${deadlineMs / 1000} s`;
    return missing.map(({ of, text }) => ({ code: 'late', of, text: `${inTime}: ${text}` }));
  });
}
