import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createDisk } from '../../../src/base/real-disk.ts';
import type { Disk } from '../../../src/base/disk.ts';

/** A real folder as the root of a node, removed after the test. */
export type TempRoot = {
  root: string;
  disk: Disk;
  /** Converts a path of the node to a path of this machine. */
  at(path: string): string;
  read(path: string): Promise<string>;
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Lists every file below a directory as paths of the node, sorted. */
  files(path?: string): Promise<string[]>;
};

export async function tempRoot(): Promise<TempRoot> {
  const root = await mkdtemp(join(tmpdir(), 'coe-test-'));
  onTestFinished(async () => {
    await rm(root, { recursive: true, force: true });
  });
  const at = (path: string): string => join(root, path);
  return {
    root,
    disk: createDisk(root),
    at,
    read: async (path) => await readFile(at(path), 'utf8'),
    write: async (path, content, mode = 0o600) => {
      await mkdir(dirname(at(path)), { recursive: true });
      await writeFile(at(path), content);
      await chmod(at(path), mode);
    },
    files: async (path = '/') => {
      const entries = await readdir(at(path), { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
        .toSorted();
    },
  };
}
