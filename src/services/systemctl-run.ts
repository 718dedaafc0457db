import { execa } from 'execa';
import { AgentError } from '../base/errors.ts';

/**
 * Runs systemctl(1) and returns its output.
 *
 * @param timeout in milliseconds
 * @throws `unit` with systemd's message; `aborted` if `abort` fires
 */
export const systemctlRunner =
  (program: string) =>
  async (args: string[], timeout: number, abort: AbortSignal): Promise<string> => {
    const result = await execa(program, args, {
      reject: false,
      timeout,
      cancelSignal: abort,
      stdin: 'ignore',
      // Ctrl-C and a closed terminal signal the whole process group; they must not interrupt a restart.
      detached: true,
      // systemctl reports its own failures (252) to this socket, and would do so in this unit's name.
      env: { NOTIFY_SOCKET: undefined },
    });
    if (result.exitCode === 0) return result.stdout;
    const what = `systemctl ${args.join(' ')}`;
    if (abort.aborted) throw new AgentError('aborted', `${what}: stopped`);
    if (result.timedOut)
      throw new AgentError('unit', `${what}: not done within ${timeout / 1000} s`, {
        reason: 'systemctl-timeout',
      });
    if (result.code === 'ENOENT')
      throw new AgentError('unit', `${what}: there is no ${program} on this node`, {
        reason: 'systemctl-missing',
      });
    const words = (result.stderr || result.stdout).trim().split('\n')[0] ?? '';
    // Without an exit code, it was killed or could not be run.
    const code =
      result.exitCode === undefined ? (result.signal ?? result.code) : `exit code ${result.exitCode}`;
    throw new AgentError('unit', `${what}: ${words || code}`, { reason: 'systemctl-failed' });
  };

export const serviceName = (unit: string): string => (unit.includes('.') ? unit : `${unit}.service`);

/** Parses the output of `systemctl show` for one unit: `Name=value` per line. */
export const factsOf = (text: string): ReadonlyMap<string, string> =>
  new Map(text.split('\n').map((line) => [line.replace(/=.*/s, ''), line.replace(/^[^=]*=/, '')]));
