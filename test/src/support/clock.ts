import type { Clock } from '../../../src/base/clock.ts';
import { AgentError } from '../../../src/base/errors.ts';

/** A clock that advances only when code sleeps, so that tests do not wait. */
export type TestClock = Clock & { readonly sleeps: readonly number[]; advance(ms: number): void };

export function testClock(start = Date.parse('2026-11-21T00:00:00Z')): TestClock {
  let passed = 0;
  const sleeps: number[] = [];
  return {
    sleeps,
    advance: (ms) => {
      passed += ms;
    },
    now: () => start + passed,
    elapsed: () => passed,
    sleep: async (ms, abort) => {
      if (abort.aborted) throw new AgentError('aborted', 'stopped while waiting');
      sleeps.push(ms);
      passed += ms;
      await Promise.resolve();
    },
  };
}

/** An abort that never fires. */
export const NEVER: AbortSignal = new AbortController().signal;
