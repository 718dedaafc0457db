import { watch } from 'chokidar';

/** Calls `wake` when something below one of the paths changes; a burst of changes wakes once. */
export function watchPaths(paths: readonly string[], wake: () => void): { close(): Promise<void> } {
  let settling: NodeJS.Timeout | undefined;
  const watcher = watch([...paths], { ignoreInitial: true, depth: 1 });
  watcher.on('all', () => {
    // Counted from the first change: a file that is written all the time must not keep everybody asleep.
    settling ??= setTimeout(() => {
      settling = undefined;
      wake();
    }, GATHER_MS);
  });
  // A path that cannot be watched (too many watches, no permission) still gets polled.
  watcher.on('error', () => undefined);
  return {
    close: async () => {
      clearTimeout(settling);
      await watcher.close();
    },
  };
}

/** An editor or `cp` makes several events of one change. */
const GATHER_MS = 50;
