import type { Clock } from '../base/clock.ts';
import { createDisk } from '../base/real-disk.ts';
import { AgentError } from '../base/errors.ts';
import { claimRecord, readRecordOf, writeRecord } from '../base/record.ts';
import { runChild } from './child.ts';
import { killUnit } from './kill-unit.ts';
import { identify } from './process.ts';
import { type Claim, filesOf, Order, type Result } from './run-files.ts';

/**
 * What stands between the agent and a program that it runs, as a process of its own: the agent may be restarted
 * meanwhile, and finds the result in the directory.
 *
 * @param directory of the run, on this machine
 * @throws `state` when there is no order in it
 */
export async function supervise(
  directory: string,
  { clock, pid, stopping }: { clock: Clock; pid: number; stopping: AbortSignal },
): Promise<void> {
  const disk = createDisk('/');
  const files = filesOf(directory);
  const order = await readRecordOf(disk, files.order, Order);
  const supervisor = await identify(pid);
  if (!order || !supervisor) throw new AgentError('state', `there is nothing to be run in ${directory}`);
  // From here on it counts as begun, whatever happens: it is durable before the program starts.
  const claim: Claim = { by: 'supervisor', supervisor };
  if (!(await claimRecord(disk, files.claim, String(pid), claim))) return;
  const result: Result = await runChild(order, {
    clock,
    stopping,
    stdout: files.stdout,
    stderr: files.stderr,
    started: async (child) => {
      const identity = await identify(child);
      if (identity) await writeRecord(disk, files.child, identity);
    },
  });
  await writeRecord(disk, files.result, result);
  // What is left is still in the unit, as this process is: this ends both.
  if (result.fault !== undefined && order.unit !== undefined) await killUnit(order.unit);
}
