import { afterAll, beforeAll, vi } from 'vitest';
import { configureAgent, installAgent, nodes } from './magnum-cluster.ts';
import { materialOf, presentAuthorities } from './material.ts';
import { type ProbePod, startProbePod } from './probe-pod.ts';
import { type Completion, describeRotation } from './rotation-suite.ts';

/**
 * `openstack coe ca rotate` on a cluster with several masters, and nothing else: each node goes through `trust`,
 * `reissue` and `retire` by itself.
 */

let pod: ProbePod;
beforeAll(async () => {
  await installAgent();
  await configureAgent('20-phase.yaml', 'rotation: { phase: auto }\n');
  pod = await startProbePod();
});
afterAll(async () => {
  await pod?.close();
});

/** Every CA file of every node holds the present CA alone, which is what `retire` does last. */
async function isRetired(): Promise<boolean> {
  const present = await presentAuthorities();
  for (const node of await nodes())
    for (const { kind, authorities } of (await materialOf(node)).trust)
      if (authorities.some((one) => one.fingerprint256 !== present[kind].fingerprint256)) return false;
  return true;
}

/** Three masters take turns, on two cores. */
const withinMs = 2_400_000;
const retired: Completion = {
  withinMs,
  until: async () => await vi.waitUntil(isRetired, { timeout: withinMs, interval: 5000 }),
};

describeRotation('a rotation', () => pod, retired);
describeRotation('another one', () => pod, retired);
