import { explain } from '../../src/base/errors.ts';
import type { Hands } from '../hands.ts';

/** Runs one step and tells when it began, how long it took or why it failed. */
export async function timed<T>(hands: Hands, text: string, work: () => Promise<T>): Promise<T> {
  const start = hands.clock.elapsed();
  hands.progress({ event: 'step', text });
  try {
    const result = await work();
    hands.progress({ event: 'done', text, ms: hands.clock.elapsed() - start });
    return result;
  } catch (error) {
    hands.progress({ event: 'failed', text, why: explain(error) });
    throw error;
  }
}
