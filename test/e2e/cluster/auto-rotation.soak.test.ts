import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, vi } from 'vitest';
import { type Load, startLoad, writeIdentity } from './load.ts';
import { installAgent, nodes, onNode, renewKubeconfig } from './magnum-cluster.ts';
import { materialOf, presentAuthorities } from './material.ts';
import { PROBE_POD, type ProbePod, startProbePod } from './probe-pod.ts';
import { type Completion, describeRotation } from './rotation-suite.ts';

/**
 * `openstack coe ca rotate` on a cluster with several masters, and nothing else: each node goes through `trust`,
 * `reissue` and `retire` by itself.
 */

let pod: ProbePod;
beforeAll(async () => {
  await installAgent();
  pod = await startProbePod();
});
afterAll(async () => {
  await pod?.close();
});

const Status = v.object({
  /** A run whose units are being restarted, or were when the agent ended. */
  interrupted: v.nullable(v.unknown()),
  /** Where a rotation in phases stands. */
  rotation: v.object({ phase: v.nullable(v.string()) }),
});

/** Every node is through: no phase is left, by `agent status`, and its CA files hold the present CA alone. */
async function isRetired(): Promise<boolean> {
  const present = await presentAuthorities();
  for (const node of await nodes()) {
    for (const { kind, authorities } of (await materialOf(node)).trust)
      if (authorities.some((one) => one.fingerprint256 !== present[kind].fingerprint256)) return false;
    // While a pass is late its exit code is not 0.
    const json = await onNode(node, 'sh', '-c', 'agent status --json || true');
    const { interrupted, rotation } = v.parse(Status, JSON.parse(json));
    if (interrupted !== null || rotation.phase !== null) return false;
  }
  return true;
}

/** Three masters take turns, on two cores. */
const withinMs = 2_400_000;
const retired: Completion = {
  withinMs,
  until: async () => await vi.waitUntil(isRetired, { timeout: withinMs, interval: 5000 }),
};

/** Each run leaves its figures in this folder; docs/performance.md has those of a measured one. */
const FOLDER = resolve('build/auto-rotation');
/** How long the clients are watched before the rotation and after its end. */
const AROUND_MS = 60_000;

describe('under load', () => {
  let load: Load;
  beforeAll(async () => {
    await mkdir(FOLDER, { recursive: true });
    load = await startLoad(FOLDER, PROBE_POD);
    await delay(AROUND_MS);
    load.mark('trust', 'old');
  }, 2 * AROUND_MS);
  afterAll(async () => {
    await delay(AROUND_MS);
    process.stdout.write(`${await load.stop()}\n`);
  }, 3 * AROUND_MS);

  describeRotation('a rotation', () => pod, {
    withinMs,
    until: async () => {
      await renewKubeconfig();
      await writeIdentity(FOLDER, 'new');
      await writeIdentity(FOLDER, 'both', 'old');
      load.mark('reissue and retire', 'both');
      await retired.until();
      load.mark('afterwards', 'new', 'both');
    },
  });
});

describeRotation('another rotation', () => pod, retired);
