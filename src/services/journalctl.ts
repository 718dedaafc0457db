import { execa } from 'execa';

/**
 * The last lines of a unit's journal, oldest first. They only explain a failure, so no journal, or no
 * journalctl, is no lines.
 *
 * @param program the journalctl to run; below `--root` it is that root's own
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
