import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Kills every process of a unit, including those that left its program's process group. */
export async function killUnit(unit: string): Promise<void> {
  await promisify(execFile)('systemctl', ['kill', '--signal=KILL', unit], { timeout: 10_000 });
}
