import type { Disk } from '../../../src/base/disk.ts';

export class Killed extends Error {}

/** Returns a disk that fails as if the program was killed before its n-th changing step. */
export function killedAt(step: number, disk: Disk): Disk {
  let steps = 0;
  const count = (): void => {
    steps += 1;
    if (steps > step) throw new Killed();
  };
  return {
    ...disk,
    create: async (path, content, attributes) => {
      count();
      await disk.create(path, content, attributes);
    },
    rename: async (from, to) => {
      count();
      await disk.rename(from, to);
    },
    remove: async (path) => {
      count();
      await disk.remove(path);
    },
    makeDirectory: async (path, attributes) => {
      count();
      await disk.makeDirectory(path, attributes);
    },
  };
}
