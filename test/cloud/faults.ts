import type { Answer, Service } from './exchange.ts';

/** What happens to a request instead of, before or after the real work. */
export type Effect =
  /** This answer, without any work done. */
  | { kind: 'answer'; status?: number; headers?: Record<string, string>; body?: string | Buffer }
  /** The work is done; its answer is changed on the way. */
  | { kind: 'transform'; change: (answer: Answer) => Answer }
  /** The connection is reset, before or after the work was done. */
  | { kind: 'reset'; when: 'before' | 'after' }
  /** The work is done; half of the body arrives under the length of the whole, then the connection ends. */
  | { kind: 'cut' }
  | { kind: 'delay'; ms: number }
  /** The work is done but nothing is ever answered. */
  | { kind: 'hang' }
  /** The body arrives in pieces of `bytes`, one each `ms`. */
  | { kind: 'drip'; bytes: number; ms: number };

export type Fault = {
  service: Service;
  method?: string;
  /** Matched against path and query. */
  path?: RegExp;
  /** How many requests it strikes; without it, all until it is removed. */
  times?: number;
  effect: Effect;
};

export type ActiveFault = {
  /** How many requests it has struck. */
  readonly hits: number;
  remove(): void;
};

export type Faults = {
  add(fault: Fault): ActiveFault;
  /** The effect on this request; counts as a strike. */
  strike(request: { service: Service; method: string; target: string }): Effect | undefined;
  clear(): void;
};

/** The faults that wait for a request; of several that fit, the one added last strikes. */
export function createFaults(): Faults {
  let active: { fault: Fault; hits: number }[] = [];
  return {
    add: (fault) => {
      const entry = { fault, hits: 0 };
      active.unshift(entry);
      return {
        get hits() {
          return entry.hits;
        },
        remove: () => {
          active = active.filter((other) => other !== entry);
        },
      };
    },
    strike: ({ service, method, target }) => {
      const entry = active.find(
        ({ fault, hits }) =>
          fault.service === service &&
          (fault.method ?? method) === method &&
          (fault.path?.test(target) ?? true) &&
          hits < (fault.times ?? Infinity),
      );
      if (entry) entry.hits += 1;
      return entry?.fault.effect;
    },
    clear: () => {
      active = [];
    },
  };
}
