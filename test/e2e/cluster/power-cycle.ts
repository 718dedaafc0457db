import { vi } from 'vitest';
import { type Standing, standingOf } from './completion.ts';
import { kubectl, type Node, power, renewKubeconfig } from './magnum-cluster.ts';
import { ROTATION_MS } from './rotation-suite.ts';

export type Phase = 'trust' | 'reissue' | 'retire';

/** Whether a node restarts its units for this phase. A deployment of Magnum brings `trust`, the daemon the others. */
const isIn = (phase: Phase, { interrupted, rotation }: Standing): boolean =>
  interrupted !== null &&
  (phase === 'trust' ? rotation.phase === null : interrupted.runId === `auto-${phase}`);

/**
 * Powers off the first of these masters that restarts its units for a phase, and boots it again when the cluster has
 * noticed.
 */
export async function powerCycleInTurn(masters: readonly Node[], phase: Phase): Promise<void> {
  const isRestarting = async (node: Node): Promise<boolean> => {
    // A node that still boots does not answer.
    const standing = await standingOf(node).catch(() => undefined);
    return standing !== undefined && isIn(phase, standing);
  };
  const master = await vi.waitUntil(
    async () => {
      const restarting = await Promise.all(masters.map(isRestarting));
      return masters.find((_, index) => restarting[index]);
    },
    { timeout: ROTATION_MS, interval: 500 },
  );
  await power(master, 'off');
  // Every API server presents a certificate of the new CA by then.
  if (phase === 'retire') await renewKubeconfig();
  const node = `node/${master.name}`;
  await vi.waitFor(
    async () => await kubectl(['wait', '--for=condition=Ready=Unknown', node, '--timeout=300s']),
    { timeout: 600_000, interval: 1000 },
  );
  await power(master, 'on');
}
