import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { execa } from 'execa';
import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';

/** How much a run may take; undefined: as much as systemd gives to any unit. */
export type RunLimits = { memoryMax?: string | number | undefined; tasksMax?: number | undefined };

/**
 * Starts the supervisor of a run and does not wait for its end; what it gives says whether that is gone again, or has
 * had time enough to begin.
 */
export type StartRun = (
  directory: string,
  unit: string | undefined,
  what: string,
) => Promise<() => Promise<boolean>>;

/**
 * @param command the supervisor's program and arguments, before the directory
 * @param isActive whether systemd still has a unit running
 * @param clock of the machine, whose processes these are
 */
export const createStart =
  (
    command: readonly string[],
    limits: RunLimits,
    isActive: (unit: string) => Promise<boolean>,
    clock: Pick<Clock, 'elapsed'>,
  ): StartRun =>
  async (directory, unit, what) => {
    const program = [...command, directory];
    if (unit !== undefined) await startUnit(unit, what, limits, program);
    const isGone = unit === undefined ? await startChild(program) : async () => !(await isActive(unit));
    const latest = clock.elapsed() + BEGINS_MS;
    return async () => clock.elapsed() > latest || (await isGone());
  };

/** A supervisor claims its order within a second, on a busy node within some more. */
const BEGINS_MS = 60_000;

/**
 * A transient unit is a control group of its own: a restart of the agent does not touch it, limits hold for all of
 * it, and it can be ended as a whole. Neither arguments nor properties hold anything that was received, since
 * everybody on the node can read both.
 */
async function startUnit(
  unit: string,
  what: string,
  { memoryMax, tasksMax }: RunLimits,
  command: readonly string[],
): Promise<void> {
  const properties = [
    // What a script has put into the background on purpose outlives it, as it did with the predecessor.
    'KillMode=process',
    'OOMPolicy=kill',
    ...(memoryMax === undefined ? [] : [`MemoryMax=${memoryMax}`, 'MemorySwapMax=0']),
    ...(tasksMax === undefined ? [] : [`TasksMax=${tasksMax}`]),
  ];
  const { exitCode, stderr, shortMessage } = await execa(
    'systemd-run',
    [
      '--quiet',
      '--no-ask-password',
      `--unit=${unit}`,
      '--service-type=exec',
      `--description=${what}, for coe-agent`,
      ...properties.map((property) => `--property=${property}`),
      '--',
      ...command,
    ],
    // Its failures are told here, and not to systemd in this unit's name; a terminal that is closed does not end it.
    { reject: false, stdin: 'ignore', detached: true, timeout: 30_000, env: { NOTIFY_SOCKET: undefined } },
  );
  if (exitCode !== 0)
    throw new AgentError('unit', `starting ${what} as the unit ${unit}: ${stderr.trim() || shortMessage}`);
}

/** Where there is no systemd: a process that outlives its parent. */
async function startChild([program = '', ...args]: readonly string[]): Promise<() => Promise<boolean>> {
  const child = spawn(program, args, { detached: true, stdio: 'ignore', env: {} });
  await once(child, 'spawn');
  child.unref();
  return async () => await Promise.resolve(child.exitCode !== null || child.signalCode !== null);
}
