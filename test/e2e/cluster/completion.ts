import * as v from 'valibot';
import { vi } from 'vitest';
import { type Node, nodes, onNode } from './magnum-cluster.ts';
import { materialOf, presentAuthorities } from './material.ts';

/** The end of a rotation after Heat has its answer. */
export type Completion = {
  until(): Promise<unknown>;
  withinMs: number;
  /** The status that the cluster comes to; `UPDATE_COMPLETE` by default. */
  status?: string;
  /** Called before the command. Returns the reader of the status; Magnum's by default. */
  watch?: () => Promise<() => Promise<string>>;
  /** Acts on the nodes, masters first, from the command on; it ends before the rotation does. */
  meanwhile?: (all: readonly Node[]) => Promise<unknown>;
};

/** Heat's answer is the end: the nodes have `rotation.phase: all`. */
export const AT_ONCE: Completion = { until: async () => await Promise.resolve(), withinMs: 0 };

const Status = v.object({
  /** A run whose units are being restarted, or were when the agent ended. */
  interrupted: v.nullable(v.unknown()),
  /** The phase of a rotation. */
  rotation: v.object({ phase: v.nullable(v.string()) }),
});

/** Reads a node's rotation from `agent status`, which exits with another code than 0 while a pass is late. */
export async function standingOf(node: Node): Promise<v.InferOutput<typeof Status>> {
  return v.parse(Status, JSON.parse(await onNode(node, 'sh', '-c', 'agent status --json || true')));
}

/** Whether these nodes have no phase left, by `agent status`, and only the present CA in their CA files. */
async function areRetired(some: readonly Node[]): Promise<boolean> {
  const present = await presentAuthorities();
  for (const node of some) {
    for (const { kind, authorities } of (await materialOf(node)).trust)
      if (authorities.some((one) => one.fingerprint256 !== present[kind].fingerprint256)) return false;
    const { interrupted, rotation } = await standingOf(node);
    if (interrupted !== null || rotation.phase !== null) return false;
  }
  return true;
}

/** Three masters take turns, on two cores. */
const withinMs = 2_400_000;

/** Waits until these nodes have completed their phases automatically. */
export async function untilRetired(some: readonly Node[]): Promise<void> {
  await vi.waitUntil(async () => await areRetired(some), { timeout: withinMs, interval: 5000 });
}

/** The phases have run automatically, up to the removal of the former CA on every node. */
export const RETIRED: Completion = {
  withinMs,
  until: async () => {
    await untilRetired(await nodes());
  },
};
