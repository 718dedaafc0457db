import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runDaemon } from '../../../agent/daemon.ts';
import type { Notify } from '../../../agent/notify.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { Site } from './site.ts';

export type DaemonRun = {
  /** Every wait between two passes, in milliseconds. */
  waits: number[];
  /** The messages to systemd, in order. */
  told: string[];
};

/**
 * Runs the loop in this process for this many waits, without real time; `before` may change the world before each wait.
 */
export async function runLoop(
  site: Site,
  {
    times,
    random = () => 0.5,
    before,
  }: { times: number; random?: () => number; before?: (wait: number) => unknown },
): Promise<DaemonRun> {
  // The holder of the lock makes it.
  await mkdir(join(site.node.root, 'run/coe-agent'), { recursive: true });
  const hands = await site.start();
  const stop = new AbortController();
  const run: DaemonRun = { waits: [], told: [] };
  const clock: Clock = {
    ...hands.clock,
    sleep: async (ms, abort) => {
      // Waits within a pass use the program's own abort.
      if (abort === stop.signal) {
        await hands.clock.sleep(ms, abort);
        return;
      }
      run.waits.push(ms);
      if (run.waits.length >= times) stop.abort();
      await before?.(run.waits.length);
      await hands.clock.sleep(ms, abort);
    },
  };
  const tell = (text: string): void => void run.told.push(text);
  const notify: Notify = {
    status: (text) => {
      tell(`${text} (the watchdog waits)`);
    },
    passed: (text, { ready }) => {
      tell(ready ? `${text} (ready)` : text);
    },
    ready: () => undefined,
    atWork: () => undefined,
    reloading: () => undefined,
    reloaded: () => undefined,
    stopping: () => undefined,
  };
  const never = new AbortController().signal;
  await runDaemon(
    { ...hands, clock },
    notify,
    { stopping: stop.signal, reload: never, nextWake: () => never },
    random,
    { since: undefined, told: new Map() },
  );
  return run;
}
