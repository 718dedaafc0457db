import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import type { AdvanceMemory } from '../advance.ts';
import { mayGoByItself } from '../config.ts';
import type { Hands } from '../hands.ts';
import { readNodeIfThere } from '../node.ts';
import { createSlowClock } from './slow-clock.ts';

/** Takes a rotation on by itself, between the passes of the daemon, where a node goes through the phases by itself. */
export type RotationLoop = {
  /**
   * Looks whether a step is due, when it is time to: with the first pass, some times a day, often while a rotation is
   * under way, and after a deployment.
   *
   * @returns whether a step has been taken
   * @throws `aborted`, and `state` or `disk` when the end of a step cannot be recorded
   */
  turn(hasSettled: boolean, abort: AbortSignal): Promise<boolean>;
};

/** How often the node asks Magnum for its CAs. */
const EVERY_MS = 6 * 3_600_000;
/** A rotation is under way: the next look at the peers. */
const SOON_MS = 30_000;
/** A step has failed, or Magnum cannot be asked. */
const LATER_MS = 600_000;

/** @param random in [0, 1) */
export function createRotationLoop(hands: Hands, random: () => number): RotationLoop {
  const { clock, config, log } = hands;
  if (!mayGoByItself(config)) return { turn: async () => await Promise.resolve(false) };
  const slow = createSlowClock(clock, EVERY_MS, random);
  let memory: AdvanceMemory | undefined;
  const again = (ms: number): void => {
    slow.wakeAt(clock.now() + ms * (0.75 + random() / 2));
  };
  return {
    turn: async (hasSettled, abort) => {
      const due = slow.due();
      if (due === undefined && !hasSettled) return false;
      try {
        // A node that is not set up yet: its heat-params will wake the daemon.
        const node = await readNodeIfThere(hands);
        if (!node) return false;
        const { goesByItself } = await import('../rotation/by-itself.ts');
        if (!(await goesByItself(node, hands, abort))) return false;
        // Loaded on nodes that need it: an idle daemon stays small.
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
