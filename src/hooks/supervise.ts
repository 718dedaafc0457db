import type { Clock } from '../base/clock.ts';
import { createDisk } from '../base/real-disk.ts';
import { AgentError } from '../base/errors.ts';
import { claimRecord, readRecordOf, writeRecord } from '../base/record.ts';
import { runChild } from './child.ts';
import { killUnit } from './kill-unit.ts';
import { identify } from './process.ts';
import { type Claim, filesOf, Order, type Result } from './run-files.ts';

/**
 * Supervises a program in a process between the agent and the program. The agent may be restarted meanwhile, and finds
 * the result in the directory.
 *
 * @param directory the run's directory on this machine
 * @throws `state` if it contains no order
 */
export async function supervise(
  directory: string,
  { clock, pid, stopping }: { clock: Clock; pid: number; stopping: AbortSignal },
): Promise<void> {
  const disk = createDisk('/');
  const files = filesOf(directory);
  const order = await readRecordOf(disk, files.order, Order);
  const supervisor = await identify(pid, order?.boot);
  if (!order || !supervisor) throw new AgentError('state', `there is no order in ${directory}`);
  // From here on the run counts as begun: the claim is durable before the program starts.
  const claim: Claim = { by: 'supervisor', supervisor };
  if (!(await claimRecord(disk, files.claim, String(pid), claim))) return;
  const result: Result = await runChild(order, {
    clock,
    stopping,
    stdout: files.stdout,
    stderr: files.stderr,
    started: async (child) => {
      const identity = await identify(child, order.boot);
      if (identity) await writeRecord(disk, files.child, identity);
    },
  });
  await writeRecord(disk, files.result, result);
  // Ends the remaining processes of the unit, including this one.
  if (result.fault !== undefined && order.unit !== undefined) await killUnit(order.unit);
}
