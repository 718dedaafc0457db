import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { watch } from 'chokidar';

/**
 * Calls `wake` when something at or below one of the paths changes; a burst of changes wakes once. If a path does not
 * exist, as on most nodes, watches its nearest existing parent instead.
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
      // In a parent directory, watches only direct children: /var/lib is large and busy.
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
    // Counts from the first change, so that a file that is written constantly does not delay waking forever.
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

/** Like `watchPaths`, for paths that change. Keeps watching while they stay the same, so no change is missed. */
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

/** @param again also report the start of watching: earlier changes may have been missed */
function start(
  places: readonly string[],
  depth: number,
  changed: () => void,
  again: boolean,
): { close(): Promise<void> } {
  const before = stampOf(places, depth);
  const watcher = watch([...places], { ignoreInitial: true, depth });
  watcher.on('all', changed);
  // Changes before the watcher is ready cause no event.
  watcher.on('ready', () => {
    if (again || stampOf(places, depth) !== before) changed();
  });
  // A path that cannot be watched (too many watches, no permission) is still polled.
  watcher.on('error', () => undefined);
  return watcher;
}

/** Describes files and directories so that a change of names or of content alters the text. */
const stampOf = (places: readonly string[], depth: number): string =>
  places
    .map((place) => {
      try {
        const stat = statSync(place);
        const names = depth >= 0 && stat.isDirectory() ? readdirSync(place).toSorted() : [];
        const below = depth > 0 ? names.map((name) => join(place, name)) : [];
        return `${stat.ino} ${stat.mtimeMs} ${stat.size} ${names.join()} ${stampOf(below, depth - 1)}`;
      } catch {
        return 'unreadable';
      }
    })
    .join('\n');

/** Returns the path itself, or its nearest existing parent directory. */
function nearest(path: string): string {
  let current = path;
  while (!existsSync(current) && current !== dirname(current)) current = dirname(current);
  return current;
}

/** In milliseconds: an editor or `cp` causes several events per change. */
const GATHER_MS = 50;
