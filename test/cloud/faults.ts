import type { Answer, Service } from './exchange.ts';

/** The effect on a request instead of, before or after the real work. */
export type Effect =
  /** Sends this answer, without doing the work. */
  | { kind: 'answer'; status?: number; headers?: Record<string, string>; body?: string | Buffer }
  /** Does the work, and changes its answer. */
  | { kind: 'transform'; change: (answer: Answer) => Answer }
  /** Resets the connection, before or after the work. */
  | { kind: 'reset'; when: 'before' | 'after' }
  /** Does the work, sends half of the body with the length of the whole, and ends the connection. */
  | { kind: 'cut' }
  | { kind: 'delay'; ms: number }
  /** Does the work, and never answers. */
  | { kind: 'hang' }
  /** Sends the body in pieces of `bytes`, one each `ms`. */
  | { kind: 'drip'; bytes: number; ms: number };

export type Fault = {
  service: Service;
  method?: string;
  /** Matched against path and query. */
  path?: RegExp;
  /** The number of affected requests; by default all until the fault is removed. */
  times?: number;
  effect: Effect;
};

export type ActiveFault = {
  /** The number of requests affected so far. */
  readonly hits: number;
  remove(): void;
};

export type Faults = {
  add(fault: Fault): ActiveFault;
  /** Returns the effect on this request, and counts it. */
  strike(request: { service: Service; method: string; target: string }): Effect | undefined;
  clear(): void;
};

/** Makes a list of faults; of several that match a request, the last one added applies. */
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
