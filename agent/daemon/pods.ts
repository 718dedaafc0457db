import { codeOf, explain } from '../../src/base/errors.ts';
import { isTrue } from '../../src/metadata/heat-params.ts';
import type { PodsMemory } from '../execution/free-pods.ts';
import type { Hands } from '../hands.ts';
import { readNodeIfThere } from '../node.ts';
import { readKubeletRecord } from '../rotation/hanging-pods.ts';

/** Frees pods that stay in deletion after the agent has restarted the kubelet, between the passes of the daemon. */
export type PodsLoop = {
  /** Looks at the pods, if it is time to. @throws `aborted` */
  turn(abort: AbortSignal): Promise<void>;
};

/** How long the daemon looks after a restart of the kubelet, or after replaced pods. */
const WINDOW_MS = 3_600_000;
/** Interval between looks, and while pods are in deletion. In a large cluster, each look costs the API a handshake. */
const EVERY_MS = 60_000;
const SOON_MS = 20_000;
/** Interval while pods hang that a restart has not freed, and after an error. */
const LATER_MS = 600_000;

export function createPodsLoop(hands: Hands): PodsLoop {
  const { clock, log } = hands;
  let next = -Infinity;
  let memory: PodsMemory | undefined;
  const look = async (abort: AbortSignal): Promise<boolean> => {
    const node = await readNodeIfThere(hands);
    if (!node || isTrue(node.params.get('TLS_DISABLED')) || (await hands.generations.underWay()))
      return false;
    // Loaded only where it is needed, which keeps an idle daemon small.
    const { freePods, newPodsMemory } = await import('../execution/free-pods.ts');
    memory ??= newPodsMemory();
    return await freePods(memory, node, hands, abort);
  };
  return {
    turn: async (abort) => {
      if (clock.elapsed() < next) return;
      const record = await readKubeletRecord(hands);
      const isRecent = record && Math.abs(clock.now() - record.restartedAt) < WINDOW_MS;
      if (!record || (!isRecent && record.left.length === 0)) {
        memory = undefined;
        return;
      }
      next = clock.elapsed() + (isRecent ? EVERY_MS : LATER_MS);
      try {
        if ((await look(abort)) && isRecent) next = clock.elapsed() + SOON_MS;
      } catch (error) {
        if (codeOf(error) === undefined || codeOf(error) === 'aborted') throw error;
        log('pods-unknown', { code: codeOf(error), why: explain(error) });
        next = clock.elapsed() + LATER_MS;
      }
    },
  };
}
