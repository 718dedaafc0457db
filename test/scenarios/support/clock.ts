import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../../src/base/clock.ts';
import { AgentError } from '../../../src/base/errors.ts';

/** A clock without real waits: only a sleep advances the monotonic clock. The wall clock can be set. */
export type FastClock = Clock & {
  /** Every sleep in milliseconds, in order. */
  readonly sleeps: readonly number[];
  /** Sets the wall clock, as a person or a bad battery does; the monotonic clock is unaffected. */
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
      // Other tasks, such as a starting unit or a watcher, get their turn.
      await setImmediate();
      if (abort.aborted) throw new AgentError('aborted', 'stopped while waiting');
      // Concurrent sleeps overlap.
      slept = Math.max(slept, until);
    },
  };
}
