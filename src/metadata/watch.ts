import { watch } from 'chokidar';

/** Calls `wake` when something below one of the paths changes; a burst of changes wakes once. */
export function watchPaths(paths: readonly string[], wake: () => void): { close(): Promise<void> } {
  let settling: NodeJS.Timeout | undefined;
  const watcher = watch([...paths], { ignoreInitial: true, depth: 1 });
  watcher.on('all', () => {
    clearTimeout(settling);
    settling = setTimeout(wake, QUIET_MS);
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
const QUIET_MS = 50;
