import { AgentError, explain } from '../base/errors.ts';

/** How long one event may take, and how many may wait. */
const DEADLINE_MS = 10_000;
const MOST_WAITING = 32;

/**
 * Hands events to a program, one after the other: each as one JSON object on its standard input. Nobody waits for it.
 * What comes while too many wait is dropped, and so is what waits behind an event that fails.
 *
 * @param check whether the program may be run; asked each time
 * @param failed is told of an event that the program did not take
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
          // Nothing of what the daemon was given: its environment may hold credentials and systemd's socket.
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
