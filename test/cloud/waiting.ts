import { EventEmitter } from 'node:events';

export type Waiting = {
  /** Checks the conditions again after a change. */
  changed(): void;
  /** Resolves when the condition holds; rejects after `timeoutMs`, naming the condition. */
  until(condition: () => boolean, what: string, timeoutMs: number): Promise<void>;
};

/** Waits for conditions by event instead of by polling. */
export function createWaiting(): Waiting {
  const events = new EventEmitter().setMaxListeners(0);
  return {
    changed: () => void events.emit('change'),
    until: async (condition, what, timeoutMs) => {
      if (condition()) return;
      await new Promise<void>((resolve, reject) => {
        const done = (): void => {
          clearTimeout(timer);
          events.off('change', look);
        };
        const look = (): void => {
          if (!condition()) return;
          done();
          resolve();
        };
        const timer = setTimeout(() => {
          done();
          reject(new Error(`${what}: not within ${timeoutMs} ms`));
        }, timeoutMs);
        events.on('change', look);
      });
    },
  };
}
