import { join } from 'node:path';
import type { Clock } from '../../src/base/clock.ts';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { dropInsOf } from '../config.ts';
import { layoutsDirectoryOf } from '../config/layouts.ts';
import { OS_COLLECT_CONFIG } from '../config/os-collect.ts';
import type { Log } from '../events.ts';
import type { Notify } from '../notify.ts';

/** Interval for checking a directory that cannot be watched. */
const LOOK_MS = 5000;

export type Waiting = {
  root: string;
  configPath: string;
  clock: Clock;
  log: Log;
  notify: Pick<Notify, 'status' | 'atWork'>;
  stopping: AbortSignal;
};

/**
 * Calls `open` again until a usable configuration exists. If the unit exited instead, systemd would start it every 10
 * seconds with the same message each time.
 *
 * @throws `aborted` when the program must stop; every error of `open` that is not about the configuration
 */
export async function awaitConfiguration<T>(
  open: () => Promise<T>,
  { root, configPath, clock, log, notify, stopping }: Waiting,
): Promise<T> {
  const { watchPaths } = await import('../../src/metadata/watch.ts');
  const files = [configPath, dropInsOf(configPath), layoutsDirectoryOf(configPath), OS_COLLECT_CONFIG];
  const ended = new AbortController();
  let changed = new AbortController();
  const watcher = watchPaths(
    files.map((path) => join(root, path)),
    () => {
      changed.abort();
    },
  );
  let told: string | undefined;
  try {
    for (;;) {
      changed = new AbortController();
      try {
        return await open();
      } catch (error) {
        if (codeOf(error) !== 'config') throw error;
        const why = explain(error);
        if (why !== told) {
          log('configuration-awaited', { why });
          notify.status(`waiting for a configuration: ${why}`);
          notify.atWork(ended.signal);
        }
        told = why;
      }
      const { signal: wake } = changed;
      await clock.sleep(LOOK_MS, AbortSignal.any([stopping, wake])).catch(() => undefined);
      if (stopping.aborted) throw new AgentError('aborted', 'waiting for a configuration: stopped');
    }
  } finally {
    ended.abort();
    await watcher.close();
  }
}
