import { afterAll } from 'vitest';
import { type Bench, createBench } from './bench.ts';

/** Call at the top of a test file; the bench is closed after its last test. */
export async function openBench(options: Parameters<typeof createBench>[0] = {}): Promise<Bench> {
  const bench = await createBench(options);
  afterAll(async () => {
    await bench.close();
  });
  return bench;
}
