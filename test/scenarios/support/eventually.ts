import { setTimeout as delay } from 'node:timers/promises';

/** Polls until a condition holds. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  forMs = 20_000,
): Promise<void> {
  const until = performance.now() + forMs;
  while (!(await holds())) {
    if (performance.now() > until) throw new Error(`not in time: ${what}`);
    await delay(20);
  }
}
