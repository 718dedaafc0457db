import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A control group that kills its processes when they exceed its memory limit. */
export type MemoryGroup = {
  /** The program and arguments that run a command in it. */
  command(program: string, args: readonly string[]): [string, string[]];
  /** The peak memory in bytes. */
  peak(): number;
  remove(): void;
};

/** The memory controller's path, of either version. */
const HIERARCHIES = [
  { root: '/sys/fs/cgroup/memory', most: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes' },
  { root: '/sys/fs/cgroup', most: 'memory.max', peak: 'memory.peak' },
] as const;

/** @returns the reason if this machine does not allow it */
export function createMemoryGroup(name: string, bytes: number): MemoryGroup | string {
  const hierarchy = HIERARCHIES.find(({ root }) => existsSync(join(root, 'cgroup.procs')));
  if (!hierarchy) return 'no control groups are mounted at /sys/fs/cgroup';
  const directory = join(hierarchy.root, `${name}-${process.pid}`);
  try {
    mkdirSync(directory);
    writeFileSync(join(directory, hierarchy.most), String(bytes));
  } catch (error) {
    if (existsSync(directory)) rmdirSync(directory);
    return `no control group with a bound on memory can be made: ${String(error)}`;
  }
  return {
    command: (program, args) => [
      '/bin/sh',
      ['-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', directory, program, ...args],
    ],
    peak: () => Number(readFileSync(join(directory, hierarchy.peak), 'utf8')),
    remove: () => {
      rmdirSync(directory);
    },
  };
}
