import { realpathSync } from 'node:fs';
import fs from 'node:fs/promises';
import { constants } from 'node:os';
import { syncBuiltinESMExports } from 'node:module';

export type Errno = 'ENOSPC' | 'EIO' | 'EROFS' | 'EACCES';

const failure = (errno: Errno, syscall: string): Error =>
  Object.assign(new Error(`${errno}: injected, ${syscall}`), {
    code: errno,
    errno: -constants.errno[errno],
    syscall,
  });

/**
 * Makes this process's own file-system calls fail below the program's disk, as the kernel would: a full disk first
 * accepts half of a file, and a broken one reports it on sync.
 *
 * @param due the error of the next call, if any
 * @param synced called for each synced file and directory
 */
export function failFileSystem(due: () => Errno | undefined, synced: (path: string) => void): void {
  const { open, rename, mkdir, unlink, rmdir } = fs;
  const failing = (syscall: string): void => {
    const errno = due();
    if (errno !== undefined) throw failure(errno, syscall);
  };
  fs.open = async (path, flags, mode) => {
    const errno = typeof flags === 'number' ? due() : undefined;
    if (errno === 'EACCES' || errno === 'EROFS') throw failure(errno, 'open');
    const file = await open(path, flags, mode);
    const { writeFile, sync } = file;
    if (errno === undefined && typeof flags === 'number' && typeof path === 'string') {
      // The disk opens names in /proc/self/fd/N.
      const place = realpathSync(path);
      file.sync = async () => {
        await sync.call(file);
        synced(place);
      };
    }
    if (errno === undefined) return file;
    if (errno === 'ENOSPC')
      file.writeFile = async (content) => {
        if (typeof content === 'string') await writeFile.call(file, content.slice(0, content.length / 2));
        throw failure(errno, 'write');
      };
    file.sync = async () => {
      await Promise.reject(failure(errno, 'fsync'));
    };
    return file;
  };
  fs.rename = async (from, to) => {
    failing('rename');
    await rename(from, to);
  };
  fs.mkdir = new Proxy(mkdir, {
    apply: async (target, self, args: Parameters<typeof mkdir>) => {
      failing('mkdir');
      return await Reflect.apply(target, self, args);
    },
  });
  fs.unlink = async (path) => {
    failing('unlink');
    await unlink(path);
  };
  fs.rmdir = async (path) => {
    failing('rmdir');
    await rmdir(path);
  };
  // Updates the named imports of other modules too.
  syncBuiltinESMExports();
}
