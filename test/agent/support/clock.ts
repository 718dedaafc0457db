import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../../src/base/clock.ts';
import { AgentError } from '../../../src/base/errors.ts';

/** Real time, except that nobody waits in it: a sleep moves it on. Its wall clock can be set. */
export type FastClock = Clock & {
  /** Every sleep in milliseconds, in its order. */
  readonly sleeps: readonly number[];
  /** Moves the wall clock as a person, or a bad battery, does; the monotonic clock does not notice. */
  jump(ms: number): void;
};

export function fastClock(): FastClock {
  const sleeps: number[] = [];
  let skipped = 0;
  let jumped = 0;
  const elapsed = (): number => performance.now() + skipped;
  return {
    sleeps,
    jump: (ms) => {
      jumped += ms;
    },
    now: () => Date.now() + skipped + jumped,
    elapsed,
    sleep: async (ms, signal) => {
      const until = elapsed() + ms;
      sleeps.push(ms);
      // What is under way (a unit that starts, a watcher) gets its turn.
      await setImmediate();
      if (signal.aborted) throw new AgentError('aborted', 'stopped while waiting');
      // Sleepers side by side sleep at the same time, not one after the other.
      skipped += Math.max(0, until - elapsed());
    },
  };
}
