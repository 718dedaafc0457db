import { existsSync, linkSync, mkdirSync, realpathSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Disk } from '../../src/base/disk.ts';

/**
 * A disk that loses unsynced changes on a power failure. Names appear and disappear only when their directory is
 * synced, and a file with unsynced content is empty.
 */
export type ForgetfulDisk = {
  disk: Disk;
  /** Reverts changes that are not durable: for each directory a random number of the last ones. */
  cut(): void;
  /** Called after the sync of a file or a directory. */
  synced(path: string): void;
};

const raise = (grave: string | undefined, path: string): void => {
  if (grave !== undefined) renameSync(grave, path);
};

type Change = { directory: string; undo: () => void };

/** @param random in [0, 1); the part of the unsynced changes that is lost */
export function forgetfulDisk(real: Disk, root: string, random: () => number): ForgetfulDisk {
  const graves = `${root}.graves`;
  let buried = 0;
  let changes: Change[] = [];
  /** The temporary paths of new files, and second names of unsynced ones. */
  const written = new Set<string>();
  const empty: string[] = [];
  const at = (path: string): string => join(root, path);

  /** Keeps a second name for a file that is about to lose its name. */
  const bury = (path: string): string | undefined => {
    if (!existsSync(path)) return undefined;
    mkdirSync(graves, { recursive: true });
    buried += 1;
    const grave = join(graves, String(buried));
    linkSync(path, grave);
    return grave;
  };
  const changed = (path: string, undo: () => void): void => {
    changes.push({ directory: dirname(at(path)), undo });
  };

  const disk: Disk = {
    ...real,
    create: async (path, content, attributes) => {
      const place = join(realpathSync(dirname(at(path))), basename(path));
      written.add(place);
      await real.create(path, content, attributes);
      const grave = written.delete(place) ? bury(at(path)) : undefined;
      if (grave !== undefined) empty.push(grave);
      changed(path, () => {
        rmSync(at(path), { force: true });
      });
    },
    rename: async (from, to) => {
      const grave = bury(at(to));
      await real.rename(from, to);
      changed(to, () => {
        renameSync(at(to), at(from));
        raise(grave, at(to));
      });
    },
    remove: async (path) => {
      const info = await real.info(path);
      const grave = info?.type === 'file' ? bury(at(path)) : undefined;
      await real.remove(path);
      changed(path, () => {
        raise(grave, at(path));
      });
    },
    makeDirectory: async (path, attributes) => {
      const missing: string[] = [];
      for (let one = path; !existsSync(at(one)); one = dirname(one)) missing.push(one);
      // Recorded first, because it may sync what it makes; a missing name is no loss.
      for (const one of missing.toReversed())
        changed(one, () => {
          rmSync(at(one), { recursive: true, force: true });
        });
      await real.makeDirectory(path, attributes);
    },
  };

  const cut = (): void => {
    const kept = new Map<string, number>();
    for (const { directory } of changes) kept.set(directory, (kept.get(directory) ?? 0) + 1);
    for (const [directory, count] of kept) kept.set(directory, Math.floor(random() * (count + 1)));
    const lost = changes.filter(({ directory }) => {
      const left = kept.get(directory) ?? 0;
      kept.set(directory, left - 1);
      return left <= 0;
    });
    for (const grave of empty) truncateSync(grave);
    for (const { directory, undo } of lost.toReversed()) if (existsSync(directory)) undo();
    rmSync(graves, { recursive: true, force: true });
  };
  const synced = (path: string): void => {
    written.delete(path);
    changes = changes.filter((change) => change.directory !== join(path));
  };
  return { disk, cut, synced };
}
