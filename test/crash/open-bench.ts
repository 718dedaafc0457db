import { afterAll } from 'vitest';
import { type Bench, createBench } from './bench.ts';

/** Call at the top of a test file; the bench is closed after its last test. */
export async function openBench(): Promise<Bench> {
  const bench = await createBench();
  afterAll(async () => {
    await bench.close();
  });
  return bench;
}
