import { setTimeout as delay } from 'node:timers/promises';
import { lookAtAdmission } from './look-at-admission.ts';
import { lookAtEtcd } from './look-at-etcd.ts';
import { lookAtLeaves } from './look-at-leaves.ts';
import { lookAtNodes } from './look-at-nodes.ts';
import type { Description } from './description.ts';
import type { Look } from './look.ts';

/** A state from this time until the next change of the same subject. */
export type Change = { at: string; of: string; is: string };
export type Recorded = {
  changes: Change[];
  /** How long each subject was in each state. */
  seconds: Record<string, Record<string, number>>;
  /** The number of looks, and the longest time between two of them. */
  looks: { count: number; longestMs: number };
};

const LOOKS: readonly Look[] = [lookAtNodes, lookAtEtcd, lookAtLeaves, lookAtAdmission];

/** Looks at the cluster every `everyMs`, until `abort`, and stores the changes. */
export async function record(
  description: Description,
  everyMs: number,
  onChange: (change: Change) => Promise<void>,
  abort: AbortSignal,
): Promise<Recorded> {
  const recorded: Recorded = { changes: [], seconds: {}, looks: { count: 0, longestMs: 0 } };
  const last = new Map<string, { is: string; ms: number }>();
  while (!abort.aborted) {
    const began = Date.now();
    const seen = await Promise.all(LOOKS.map(async (look) => await look(description)));
    for (const [of, is] of seen.flat()) {
      const before = last.get(of);
      if (before) {
        const states = (recorded.seconds[of] ??= {});
        states[before.is] = (states[before.is] ?? 0) + (began - before.ms) / 1000;
      }
      last.set(of, { is, ms: began });
      if (before?.is === is) continue;
      const change = { at: new Date(began).toISOString(), of, is };
      recorded.changes.push(change);
      await onChange(change);
    }
    const tookMs = Date.now() - began;
    recorded.looks.count += 1;
    recorded.looks.longestMs = Math.max(recorded.looks.longestMs, tookMs);
    await delay(Math.max(0, everyMs - tookMs), undefined, { signal: abort }).catch(() => undefined);
  }
  return recorded;
}
