import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { watch } from 'chokidar';

/**
 * Calls `wake` when something below one of the paths changes; a burst of changes wakes once. A path that is
 * not there yet, as on most nodes, is waited for by way of the nearest directory that is.
 */
export function watchPaths(paths: readonly string[], wake: () => void): { close(): Promise<void> } {
  let settling: NodeJS.Timeout | undefined;
  let places: string[] = [];
  let watchers: { close(): Promise<void> }[] = [];

  const begin = (again: boolean): void => {
    places = paths.map(nearest);
    const old = watchers;
    watchers = [
      start(
        places.filter((place) => paths.includes(place)),
        1,
        gather,
        again,
      ),
      // Of a parent only what is directly in it matters: /var/lib is large and busy.
      start(
        places.filter((place) => !paths.includes(place)),
        0,
        () => {
          if (moved()) gather();
        },
        again,
      ),
    ];
    for (const watcher of old) void watcher.close();
  };
  const moved = (): boolean => paths.some((path, index) => nearest(path) !== places[index]);
  const gather = (): void => {
    // Counted from the first change: a file that is written all the time must not keep everybody asleep.
    settling ??= setTimeout(() => {
      settling = undefined;
      if (moved()) begin(true);
      wake();
    }, GATHER_MS);
  };

  begin(false);
  return {
    close: async () => {
      clearTimeout(settling);
      await Promise.all(watchers.map(async (watcher) => await watcher.close()));
    },
  };
}

/** As `watchPaths`, of paths that change: the watching goes on while they are the same, so no change is missed. */
export function followPaths(wake: () => void): {
  follow(paths: readonly string[]): Promise<void>;
  close(): Promise<void>;
} {
  let current: { paths: readonly string[]; close(): Promise<void> } | undefined;
  return {
    follow: async (paths) => {
      if (paths.length === current?.paths.length && paths.every((path) => current?.paths.includes(path)))
        return;
      const former = current;
      current = { paths, ...watchPaths(paths, wake) };
      await former?.close();
    },
    close: async () => {
      await current?.close();
    },
  };
}

/** @param again tell when the watching has begun: what came in between nobody has seen */
function start(
  places: readonly string[],
  depth: number,
  changed: () => void,
  again: boolean,
): { close(): Promise<void> } {
  const watcher = watch([...places], { ignoreInitial: true, depth });
  watcher.on('all', changed);
  if (again) watcher.on('ready', changed);
  // A path that cannot be watched (too many watches, no permission) still gets polled.
  watcher.on('error', () => undefined);
  return watcher;
}

/** The path itself, or the nearest directory above it that there is. */
function nearest(path: string): string {
  let current = path;
  while (!existsSync(current) && current !== dirname(current)) current = dirname(current);
  return current;
}

/** An editor or `cp` makes several events of one change. */
const GATHER_MS = 50;
