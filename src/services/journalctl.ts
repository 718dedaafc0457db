import { execa } from 'execa';

/**
 * Returns the last lines of a unit's journal, oldest first. They only explain a failure, so a missing journal or
 * journalctl gives no lines.
 *
 * @param program the journalctl to run; with `--root`, the one below that root
 */
export async function journalOf(program: string, unit: string, lines: number): Promise<string[]> {
  const args = [`--unit=${unit}`, `--lines=${lines}`, '--no-pager', '--output=cat', '--quiet'];
  const { exitCode, stdout } = await execa(program, args, {
    reject: false,
    timeout: 10_000,
    stdin: 'ignore',
  });
  return exitCode === 0 && stdout !== '' ? stdout.split('\n') : [];
}
