import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { errnoOf } from '../base/errors.ts';

/** A process, so that no later one of the same number is taken for it. */
export const ProcessIdentity = v.object({
  pid: v.number(),
  /** When it was started, in clock ticks after the boot. */
  startedAt: v.string(),
  /** Which boot. */
  boot: v.string(),
});
export type ProcessIdentity = v.InferOutput<typeof ProcessIdentity>;

/** `alive`, or gone: with this boot of the node or with an earlier one. */
export type Presence = 'alive' | 'gone' | 'rebooted';

const bootId = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();

/** @returns undefined when there is no such process any more */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the second field is the program's name in brackets, and a name may hold anything.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    return { pid, startedAt: fields[18] ?? '', boot: await bootId() };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

export async function presenceOf({ pid, startedAt, boot }: ProcessIdentity): Promise<Presence> {
  if (boot !== (await bootId())) return 'rebooted';
  return (await identify(pid))?.startedAt === startedAt ? 'alive' : 'gone';
}

/** proc(5) counts in ticks of USER_HZ, which is 100 on every machine that this program is built for. */
const TICK_MS = 10;

/**
 * How long ago a process was started, in milliseconds. Both are read from the kernel and counted from the boot, so a
 * clock that is set makes no difference.
 *
 * @param self a process, and how long ago that was started, in milliseconds
 */
export async function ageOf(
  { startedAt }: ProcessIdentity,
  self: { pid: number; ageMs: number },
): Promise<number> {
  const own = await identify(self.pid);
  return (Number(own?.startedAt) - Number(startedAt)) * TICK_MS + self.ageMs;
}

/** Sends SIGKILL to a process, or with a negative number to a group; one that is gone needs none. */
export function sendKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
