import { spawn } from 'node:child_process';
import { withDeadline } from '../base/clock.ts';
import { AgentError, errnoOf, explain } from '../base/errors.ts';

type Ended = { code: number | null; signal: string | null; stdout: string; stderr: string };

/**
 * Runs systemctl(1) and returns its output. The idle daemon asks it too, so it runs without execa, which takes 2 MB.
 *
 * @param env the environment of this program
 * @param timeout in milliseconds
 * @throws `unit` with systemd's message; `aborted` if `abort` fires
 */
export const systemctlRunner =
  (program: string, env: NodeJS.ProcessEnv) =>
  async (args: string[], timeout: number, abort: AbortSignal): Promise<string> => {
    const what = `systemctl ${args.join(' ')}`;
    const limit = withDeadline(abort, timeout);
    const ended = await run(program, args, env, limit).catch((cause: unknown) => {
      if (abort.aborted) throw new AgentError('aborted', `${what}: stopped`);
      const [why, reason] = limit.aborted
        ? [`not done within ${timeout / 1000} s`, 'systemctl-timeout']
        : errnoOf(cause) === 'ENOENT'
          ? [`there is no ${program} on this node`, 'systemctl-missing']
          : [errnoOf(cause) ?? explain(cause), 'systemctl-failed'];
      throw new AgentError('unit', `${what}: ${why}`, { reason, cause });
    });
    const { code, signal, stdout, stderr } = ended;
    if (code === 0) return stdout.replace(/\n$/, '');
    const words = (stderr || stdout).trim().split('\n')[0] ?? '';
    throw new AgentError('unit', `${what}: ${words || (signal ?? `exit code ${code}`)}`, {
      reason: 'systemctl-failed',
    });
  };

const run = async (
  program: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  limit: AbortSignal,
): Promise<Ended> =>
  await new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      signal: limit,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C and a closed terminal signal the whole process group; they must not interrupt a restart.
      detached: true,
      // systemctl reports its own failures (252) to this socket, and would do so in this unit's name.
      env: { ...env, NOTIFY_SOCKET: undefined },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });

export const serviceName = (unit: string): string => (unit.includes('.') ? unit : `${unit}.service`);

/** Parses the output of `systemctl show` for one unit: `Name=value` per line. */
export const factsOf = (text: string): ReadonlyMap<string, string> =>
  new Map(text.split('\n').map((line) => [line.replace(/=.*/s, ''), line.replace(/^[^=]*=/, '')]));
