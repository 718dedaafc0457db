import type { Clock } from '../src/base/clock.ts';
import { explain } from '../src/base/errors.ts';
import type { PassOver } from '../src/files/candidates.ts';

/** What a person who watches a pass is shown. */
export type Progress =
  | { event: 'deployment'; id: string; text: string }
  | { event: 'step'; text: string }
  | { event: 'part'; text: string }
  | { event: 'output'; id: string; stream: 'stdout' | 'stderr'; text: string }
  | { event: 'done'; text: string; ms: number }
  | { event: 'failed'; text: string; why: string }
  | { event: 'notice'; text: string };

export type Watched = { clock: Clock; progress(event: Progress): void };

/** Runs one step and reports its start, its duration or its failure. */
export async function timed<T>(
  { clock, progress }: Watched,
  text: string,
  work: () => Promise<T>,
): Promise<T> {
  const start = clock.elapsed();
  progress({ event: 'step', text });
  try {
    const result = await work();
    progress({ event: 'done', text, ms: clock.elapsed() - start });
    return result;
  } catch (error) {
    progress({ event: 'failed', text, why: explain(error) });
    throw error;
  }
}

/** Reports a file that cannot be read. */
export const passingOver =
  ({ progress }: Pick<Watched, 'progress'>): PassOver =>
  (path, error) => {
    progress({ event: 'notice', text: `${path} is passed over: ${explain(error)}` });
  };
