import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { errnoOf } from '../base/errors.ts';

/** Identifies a process, so that a later one with the same pid is not mistaken for it. */
export const ProcessIdentity = v.object({
  pid: v.number(),
  /** Start time, in clock ticks after the boot. */
  startedAt: v.string(),
  /** Id of the boot. */
  boot: v.string(),
});
export type ProcessIdentity = v.InferOutput<typeof ProcessIdentity>;

/** `alive`; or ended, during this boot or an earlier one. */
export type Presence = 'alive' | 'gone' | 'rebooted';

/**
 * Returns the id of this boot, as this process sees it. In a container, a service with a /proc of its own (ProtectProc)
 * sees the host's id, and other services the container's.
 */
export const bootId = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();

/**
 * @param boot the id of this boot as the process sees it that later compares the identity
 * @returns undefined if the process has ended
 */
export async function identify(pid: number, boot?: string): Promise<ProcessIdentity | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the second field is the program's name in brackets; the name may contain any character.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    return { pid, startedAt: fields[18] ?? '', boot: boot ?? (await bootId()) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

export async function presenceOf({ pid, startedAt, boot }: ProcessIdentity): Promise<Presence> {
  if (boot !== (await bootId())) return 'rebooted';
  return (await identify(pid))?.startedAt === startedAt ? 'alive' : 'gone';
}

/** proc(5) counts in ticks of USER_HZ, which is 100 on every supported machine. */
const TICK_MS = 10;

/**
 * Returns how long ago a process was started, in milliseconds. Both times count from the boot, so setting the clock has
 * no effect.
 *
 * @param self a process and its age in milliseconds
 */
export async function ageOf(
  { startedAt }: ProcessIdentity,
  self: { pid: number; ageMs: number },
): Promise<number> {
  const own = await identify(self.pid);
  return (Number(own?.startedAt) - Number(startedAt)) * TICK_MS + self.ageMs;
}

/** Sends SIGKILL to a process, or to a group if negative. An ended process is ignored. */
export function sendKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
