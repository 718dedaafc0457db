import { constants, existsSync, renameSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { isReadSince } from './attributes.ts';
import { closeDirectory, listDirectory, makeDirectories, stampOf, syncDirectory } from './directories.ts';
import { type Disk, isMissing } from './disk.ts';
import { AgentError, errnoOf, reasonOf, sentenceOf } from './errors.ts';
import {
  appendLines,
  copyAttributesOf,
  CREATE,
  createInMemory,
  infoOf,
  lstatIfThere,
  readFile,
} from './open-file.ts';
import { trustFault } from './trust.ts';
import { reasonOfFault } from './plain-words.ts';
import { type Place, walk } from './walk.ts';

const step = async <T>(doing: string, path: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (cause) {
    throw new AgentError('disk', `${doing} ${path}: ${sentenceOf(cause)}`, {
      cause,
      reason: reasonOf(cause) ?? (cause instanceof Error ? reasonOfFault(cause) : undefined),
    });
  }
};

/** Creates the disk below `root`. */
export function createDisk(root: string): Disk {
  const self = process.geteuid?.() ?? 0;
  if (!existsSync('/proc/self/fd'))
    throw new AgentError('disk', 'reaching files: /proc is not mounted; mount it and try again');
  /** Works on the target of a path, symlinks followed. */
  const on = async <T>(path: string, use: (place: Place) => T | Promise<T>): Promise<T> =>
    await walk(root, path, { last: 'follow', self }, use);
  /** Works on the path itself, even if it is a symlink. */
  const onEntry = async <T>(path: string, use: (place: Place) => T | Promise<T>): Promise<T> =>
    await walk(root, path, { last: 'keep', self }, use);

  return {
    read: async (path) =>
      await step(
        'reading',
        path,
        async () => await on(path, async (place) => (await readFile(place)).content),
      ),

    snapshot: async (path) =>
      await step('reading', path, async () => {
        try {
          return await on(path, readFile);
        } catch (error) {
          if (isMissing(error)) return undefined;
          throw error;
        }
      }),

    fault: async (path) =>
      await step(
        'looking at',
        path,
        async () =>
          await on(path, ({ at, path: resolved, fault }) => {
            const stat = lstatIfThere(at);
            const own = stat && trustFault(stat, self);
            return stat && (fault ?? (own && `${resolved === path ? 'it' : resolved} ${own}`));
          }),
      ),

    info: async (path) =>
      await step('looking at', path, async () => {
        const stat = await onEntry(path, ({ at }) => lstatIfThere(at));
        return stat && infoOf(stat);
      }),

    list: async (path) =>
      await step('listing', path, async () => {
        try {
          const names = await on(path, ({ at }) => listDirectory(at));
          return names.toSorted();
        } catch (error) {
          if (isMissing(error)) return [];
          throw error;
        }
      }),

    stamp: async (path, below) =>
      await step('looking at', path, async () => await on(path, ({ at }) => stampOf(at, below))),

    hasBeenRead: async (path) =>
      await step('looking at', path, async () => await on(path, async ({ at }) => await isReadSince(at))),

    room: async (directory) =>
      await step(
        'looking for room in',
        directory,
        async () =>
          await on(directory, async (place) => {
            const nearest = lstatIfThere(place.at) ? place.at : place.directory;
            const { bavail, bsize, ffree, files } = await fs.statfs(nearest);
            const writable = await fs.access(nearest, constants.W_OK).then(
              () => true,
              () => false,
            );
            const { dev: device } = await fs.stat(nearest);
            // Some file systems (btrfs) create inodes on demand and report none.
            const inodes = files === 0 ? Number.MAX_SAFE_INTEGER : ffree;
            return { bytes: bavail * bsize, inodes, device, writable };
          }),
      ),

    sealed: async (path) =>
      await step('looking at', path, async () => {
        try {
          await on(path, async ({ at }) => {
            await fs.access(at, constants.W_OK);
          });
          return false;
        } catch (error) {
          // Without root's rights, a read-only file can still be replaced.
          return ['EPERM', 'EROFS'].includes(errnoOf(error) ?? '');
        }
      }),

    resolve: async (path) => await step('resolving', path, async () => await on(path, (place) => place.path)),

    create: async (path, content, { like, uid, gid, mode, durable = true }) =>
      await step('writing', path, async () => {
        await onEntry(path, async ({ at }) => {
          if (!durable) {
            createInMemory(at, content, mode);
            return;
          }
          const file = await fs.open(at, CREATE, 0o600);
          try {
            if (like !== undefined)
              await on(like, async (one) => {
                await copyAttributesOf(one.at, file);
              });
            if (uid !== undefined && gid !== undefined) await file.chown(uid, gid);
            await file.chmod(mode ?? 0o600);
            await file.writeFile(content);
            await file.sync();
          } catch (error) {
            // An incomplete file is useless, above all on a full disk.
            await fs.unlink(at).catch(() => undefined);
            throw error;
          } finally {
            await file.close();
          }
        });
      }),

    append: async (path, lines) =>
      await step('writing', path, async () => {
        await onEntry(path, async ({ at }) => {
          await appendLines(at, lines);
        });
      }),

    rename: async (from, to, { durable = true } = {}) =>
      await step('replacing', to, async () => {
        await onEntry(from, async (source) => {
          // Both names are looked up in the directory that is open already.
          if (!durable && dirname(from) === dirname(to))
            renameSync(source.at, `${source.directory}/${basename(to)}`);
          else
            await onEntry(to, async (target) => {
              await fs.rename(source.at, target.at);
            });
        });
      }),

    link: async (from, to) =>
      await step('claiming', to, async () => {
        await onEntry(from, async (source) => {
          await onEntry(to, async (target) => {
            await fs.link(source.at, target.at);
          });
        });
      }),

    sync: async (directory) =>
      await step('syncing', directory, async () => {
        await on(directory, async ({ at }) => {
          await syncDirectory(at);
        });
      }),

    remove: async (path) =>
      await step('removing', path, async () => {
        await onEntry(path, async ({ at }) => {
          const stat = lstatIfThere(at);
          if (stat) await (stat.isDirectory() ? fs.rmdir(at) : fs.unlink(at));
        });
      }),

    removeTree: async (path) =>
      await step('removing', path, async () => {
        await onEntry(path, async ({ at }) => {
          await fs.rm(at, { recursive: true, force: true });
        });
      }),

    makeDirectory: async (path, attributes) =>
      await step('making directory', path, async () => {
        await on(path, async (place) => {
          await makeDirectories(place, attributes);
        });
      }),

    closeDirectory: async (path) =>
      await step('closing to others', path, async () => {
        await onEntry(path, async ({ at }) => {
          await closeDirectory(at);
        });
      }),
  };
}
