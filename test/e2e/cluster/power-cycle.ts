import { readFile } from 'node:fs/promises';
import { vi } from 'vitest';
import { kubectl, type Node, nodeFolder, power, renewKubeconfig } from './magnum-cluster.ts';
import { ROTATION_MS } from './rotation-suite.ts';

export type Phase = 'trust' | 'reissue' | 'retire';

/**
 * Returns the id of the run whose units a node restarts. It reads the journal from outside: on a busy machine,
 * `agent status` answers when a short run is over.
 */
async function runOf(node: Node): Promise<string | undefined> {
  const path = nodeFolder(node, '/var/lib/coe-agent/generation/journal');
  // A node without unfinished work has no journal.
  const text = await readFile(path, 'utf8').catch(() => '');
  return /"runId":"([^"]+)","state":"committed"/.exec(text)?.[1];
}

/** Whether a run is one of this phase. A rotation begins with `trust`, in a run of Magnum's deployment or its own. */
const isIn = (phase: Phase, run: string | undefined): boolean =>
  phase === 'trust' ? run !== undefined : run === `auto-${phase}`;

/**
 * Powers off the first of these masters that restarts its units for a phase, and boots it again when the cluster has
 * noticed.
 */
export async function powerCycleInTurn(masters: readonly Node[], phase: Phase): Promise<void> {
  const master = await vi.waitUntil(
    async () => {
      const runs = await Promise.all(masters.map(runOf));
      return masters.find((_, index) => isIn(phase, runs[index]));
    },
    { timeout: ROTATION_MS, interval: 200 },
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
