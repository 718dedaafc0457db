import { readFile, writeFile } from 'node:fs/promises';

/** Ticks per second in /proc/PID/stat; Linux shows 100 to user space on every machine. */
const TICKS_PER_SECOND = 100;

const MS_PER_TICK = 1000 / TICKS_PER_SECOND;

/** CPU time so far of a process and of its ended children, in milliseconds. */
export async function cpuOf(pid: number): Promise<{ own: number; children: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in brackets, which may contain anything.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15);
  return { own: (user + system) * MS_PER_TICK, children: (childUser + childSystem) * MS_PER_TICK };
}

/** Memory of a process in MB (10^6 bytes): resident now, its anonymous part, and the peak. */
export async function memoryOf(pid: number): Promise<{ resident: number; anonymous: number; peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const megabytes = (name: string): number => {
    const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status) ?? [];
    return (Number(kibibytes) * 1024) / 1e6;
  };
  return { resident: megabytes('VmRSS'), anonymous: megabytes('RssAnon'), peak: megabytes('VmHWM') };
}

/** Resets the peak to the present resident memory. */
export const forgetPeak = async (pid: number): Promise<void> => {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
};
