import { systemClock } from '../src/base/clock.ts';
import { supervise } from '../src/hooks/supervise.ts';

/** Supervises a script or a hook. It is the process of `agent supervise DIRECTORY`, which the agent itself starts. */
export async function superviseRun(directory: string, pid: number): Promise<void> {
  const stop = new AbortController();
  process.on('SIGTERM', () => {
    stop.abort();
  });
  await supervise(directory, { clock: systemClock, pid, stopping: stop.signal });
}
