import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { execa } from 'execa';
import type { Clock } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';

/** Resource limits of a run; undefined: systemd's defaults. */
export type RunLimits = { memoryMax?: string | number | undefined; tasksMax?: number | undefined };

/**
 * Starts the supervisor of a run without waiting for its end. Returns a function that tells whether the supervisor has
 * ended, or had enough time to begin.
 */
export type StartRun = (
  directory: string,
  unit: string | undefined,
  what: string,
) => Promise<() => Promise<boolean>>;

/**
 * @param command the supervisor's program and arguments, before the directory
 * @param isActive whether systemd still runs a unit
 * @param clock this machine's clock
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

/** A supervisor claims its order within a second, later on a busy node. */
const BEGINS_MS = 60_000;

/**
 * Starts a transient unit, which has its own control group: a restart of the agent does not affect it, limits apply to
 * the whole group, and it can be killed as a whole. Arguments and properties contain no received data, because every
 * user of the node can read them.
 */
async function startUnit(
  unit: string,
  what: string,
  { memoryMax, tasksMax }: RunLimits,
  command: readonly string[],
): Promise<void> {
  const properties = [
    // Background processes that a script starts on purpose outlive it, as with the predecessor.
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
    // Failures are reported here instead of to systemd in this unit's name. Closing the terminal does not end it.
    { reject: false, stdin: 'ignore', detached: true, timeout: 30_000, env: { NOTIFY_SOCKET: undefined } },
  );
  if (exitCode !== 0)
    throw new AgentError('unit', `starting ${what} as the unit ${unit}: ${stderr.trim() || shortMessage}`);
}

/** Without systemd: starts a process that outlives its parent. */
async function startChild([program = '', ...args]: readonly string[]): Promise<() => Promise<boolean>> {
  const child = spawn(program, args, { detached: true, stdio: 'ignore', env: {} });
  await once(child, 'spawn');
  child.unref();
  return async () => await Promise.resolve(child.exitCode !== null || child.signalCode !== null);
}
