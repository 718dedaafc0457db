import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { errnoOf } from '../base/errors.ts';

type Process = { pid: number; parent: number; args: readonly string[] };

/**
 * Finds the processes of a program on the machine, also in containers and under Python, with the number of running
 * children of each.
 */
export async function whoRuns(program: string): Promise<{ pid: number; children: number }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = (await Promise.all(pids.map(lookAt))).filter((one) => one !== undefined);
  const found = all.filter(({ args }) => isProgram(args, program));
  return (
    found
      // A freshly forked process still looks like its parent.
      .filter(({ parent }) => !found.some(({ pid }) => pid === parent))
      .map(({ pid }) => ({ pid, children: all.filter(({ parent }) => parent === pid).length }))
  );
}

const isProgram = ([first = '', second = '']: readonly string[], program: string): boolean =>
  basename(/^python[\d.]*$/.test(basename(first)) ? second : first) === program;

/** @returns undefined if it has ended; a zombie stays listed until its parent reaps it */
async function lookAt(pid: string): Promise<Process | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the second field is the program's name in brackets; the name may contain any character.
    const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    return /^[ZX]$/.test(state) ? undefined : { pid: Number(pid), parent: Number(parent), args };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

/** Sends a signal; a process that has ended is ignored. */
export function signalProcess(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
