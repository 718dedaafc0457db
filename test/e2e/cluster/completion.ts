import * as v from 'valibot';
import { vi } from 'vitest';
import { type Node, nodes, onNode } from './magnum-cluster.ts';
import { materialOf, presentAuthorities } from './material.ts';

/** How a rotation comes to its end after Heat has been answered. */
export type Completion = {
  until(): Promise<unknown>;
  withinMs: number;
  /** What is done to the nodes, masters first, from the command on; it ends before the rotation does. */
  meanwhile?: (all: readonly Node[]) => Promise<unknown>;
};

/** Heat's answer is the end: the nodes were configured with `rotation.phase: all`, or are of one master. */
export const AT_ONCE: Completion = { until: async () => await Promise.resolve(), withinMs: 0 };

const Status = v.object({
  /** A run whose units are being restarted, or were when the agent ended. */
  interrupted: v.nullable(v.unknown()),
  /** Where a rotation in phases stands. */
  rotation: v.object({ phase: v.nullable(v.string()) }),
});

/** What `agent status` says of a node's rotation. While a pass is late its exit code is not 0. */
export async function standingOf(node: Node): Promise<v.InferOutput<typeof Status>> {
  return v.parse(Status, JSON.parse(await onNode(node, 'sh', '-c', 'agent status --json || true')));
}

/** Every node is through: no phase is left, by `agent status`, and its CA files hold the present CA alone. */
async function isRetired(): Promise<boolean> {
  const present = await presentAuthorities();
  for (const node of await nodes()) {
    for (const { kind, authorities } of (await materialOf(node)).trust)
      if (authorities.some((one) => one.fingerprint256 !== present[kind].fingerprint256)) return false;
    const { interrupted, rotation } = await standingOf(node);
    if (interrupted !== null || rotation.phase !== null) return false;
  }
  return true;
}

/** Three masters take turns, on two cores. */
const withinMs = 2_400_000;

/** The phases have gone on by themselves, to the end of the former CA on every node. */
export const RETIRED: Completion = {
  withinMs,
  until: async () => await vi.waitUntil(isRetired, { timeout: withinMs, interval: 5000 }),
};
