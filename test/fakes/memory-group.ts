import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A control group whose processes are killed when they take more memory than they may. */
export type MemoryGroup = {
  /** The program and arguments that run a command in it. */
  command(program: string, args: readonly string[]): [string, string[]];
  /** In bytes, the most that was taken. */
  peak(): number;
  remove(): void;
};

/** Where the memory controller is, of either version. */
const HIERARCHIES = [
  { root: '/sys/fs/cgroup/memory', most: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes' },
  { root: '/sys/fs/cgroup', most: 'memory.max', peak: 'memory.peak' },
] as const;

/** @returns why there is none, where this machine gives none to whoever runs the tests */
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
