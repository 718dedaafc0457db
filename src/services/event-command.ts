import { AgentError, explain } from '../base/errors.ts';

/** Time limit of one event, and maximum number of waiting events. */
const DEADLINE_MS = 10_000;
const MOST_WAITING = 32;

/**
 * Passes events to a program, one at a time: each as a JSON object on standard input, in the background. Drops new
 * events while too many wait, and all waiting events if one fails.
 *
 * @param check throws if the program must not be run; called before each run
 * @param failed receives the error of an event that was not delivered
 */
export function createEventCommand(
  { program, check }: { program: string; check(): Promise<void> },
  failed: (error: AgentError) => void,
): (event: Record<string, unknown>) => void {
  const waiting: string[] = [];
  let isAtWork = false;

  const work = async (): Promise<void> => {
    isAtWork = true;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      try {
        await check();
        const { execa } = await import('execa');
        await execa(program, [], {
          input: next,
          stdout: 'ignore',
          stderr: 'ignore',
          timeout: DEADLINE_MS,
          killSignal: 'SIGKILL',
          // Hides the daemon's environment, which may hold credentials and systemd's socket.
          extendEnv: false,
          env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
        });
      } catch (cause) {
        const lost = waiting.splice(0).length;
        const more = lost === 0 ? '' : `; ${lost} more events are dropped`;
        failed(new AgentError('unit', `telling ${program} of an event: ${explain(cause)}${more}`, { cause }));
      }
    }
    isAtWork = false;
  };

  return (event) => {
    if (waiting.length >= MOST_WAITING) return;
    waiting.push(`${JSON.stringify(event)}\n`);
    if (!isAtWork) void work();
  };
}
