import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import type { AdvanceMemory } from '../advance.ts';
import { mayGoByItself } from '../config.ts';
import type { Hands } from '../hands.ts';
import { type Node, readNodeIfThere } from '../node.ts';
import { createSlowClock } from './slow-clock.ts';

/** Advances a rotation between the passes of the daemon, on nodes that go through the phases by themselves. */
export type RotationLoop = {
  /**
   * Checks whether a step is due, if it is time to check: with the first pass, a few times a day, often while a
   * rotation is under way, after a deployment, and when a master calls this worker.
   *
   * @param mayHaveBegun a deployment has ended, or a renewal has met other CAs
   * @returns whether a step was taken
   * @throws `aborted`, and `state` or `disk` when the end of a step cannot be recorded
   */
  turn(mayHaveBegun: boolean, abort: AbortSignal): Promise<boolean>;
};

/** Interval between requests for Magnum's CAs. */
const EVERY_MS = 6 * 3_600_000;
/** Interval at which a worker reads its own Node: a master may have called it. */
const CALLED_MS = 300_000;
/** Interval between looks at the peers while a rotation is under way. */
const SOON_MS = 30_000;
/** Interval after a failed step, or while Magnum cannot be asked. */
const LATER_MS = 600_000;

/** Creates the loop. @param random in [0, 1) */
export function createRotationLoop(hands: Hands, random: () => number): RotationLoop {
  const { clock, config, log } = hands;
  if (!mayGoByItself(config)) return { turn: async () => await Promise.resolve(false) };
  const slow = createSlowClock(clock, EVERY_MS, random);
  const calls = createSlowClock(clock, CALLED_MS, random);
  let heeded: string | undefined;
  let memory: AdvanceMemory | undefined;
  const again = (ms: number): void => {
    slow.wakeAt(clock.now() + ms * (0.75 + random() / 2));
  };
  /** Whether a master has called this worker with another CA than before. */
  const isCalled = async (node: Node, abort: AbortSignal): Promise<boolean> => {
    const { readCall } = await import('../peers/call-workers.ts');
    const called = await readCall(node, hands, abort);
    if (called === undefined || called === heeded) return false;
    heeded = called;
    return true;
  };
  return {
    turn: async (mayHaveBegun, abort) => {
      const isDue = slow.due() !== undefined || mayHaveBegun;
      const mayBeCalled = calls.due() !== undefined;
      if (!isDue && !mayBeCalled) return false;
      try {
        // The node is not set up yet. Its heat-params will wake the daemon.
        const node = await readNodeIfThere(hands);
        if (!node || (!isDue && !(await isCalled(node, abort)))) return false;
        const { goesByItself } = await import('../rotation/by-itself.ts');
        if (!(await goesByItself(node, hands, abort))) return false;
        // Loaded only where it is needed, which keeps an idle daemon small.
        const { advance, newAdvanceMemory } = await import('../advance.ts');
        memory ??= newAdvanceMemory();
        const advanced = await advance(memory, node, hands, abort);
        if (advanced.is !== 'nothing') again(advanced.is === 'failed' ? LATER_MS : SOON_MS);
        return advanced.is === 'stepped';
      } catch (error) {
        if (!(error instanceof AgentError) || ['aborted', 'state', 'disk'].includes(error.code)) throw error;
        log('rotation-unknown', { code: codeOf(error), why: explain(error) });
        again(LATER_MS);
        return false;
      }
    },
  };
}
