import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../../src/base/clock.ts';
import { AgentError } from '../../../src/base/errors.ts';

/** Nobody waits: a sleep moves time on, and nothing else moves the monotonic clock. The wall clock can be set. */
export type FastClock = Clock & {
  /** Every sleep in milliseconds, in its order. */
  readonly sleeps: readonly number[];
  /** Moves the wall clock as a person, or a bad battery, does; the monotonic clock does not notice. */
  jump(ms: number): void;
};

export function fastClock(): FastClock {
  const sleeps: number[] = [];
  let slept = 0;
  let jumped = 0;
  return {
    sleeps,
    jump: (ms) => {
      jumped += ms;
    },
    now: () => Date.now() + slept + jumped,
    elapsed: () => slept,
    sleep: async (ms, abort) => {
      const until = slept + ms;
      sleeps.push(ms);
      // What is under way (a unit that starts, a watcher) gets its turn.
      await setImmediate();
      if (abort.aborted) throw new AgentError('aborted', 'stopped while waiting');
      // Sleepers side by side sleep at the same time, not one after the other.
      slept = Math.max(slept, until);
    },
  };
}
