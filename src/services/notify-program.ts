import { execa } from 'execa';
import { AgentError, explain } from '../base/errors.ts';

const DEADLINE_MS = 10_000;

/**
 * Notifies systemd by systemd-notify(1), one process per message; used if systemd's library cannot be loaded. The
 * sender is not the unit's main process, so the unit needs NotifyAccess=all (`setup notify-access`).
 *
 * @param failed receives the error of a message that was not delivered
 * @returns takes lines of NAME=VALUE (sd_notify(3)); messages are sent one at a time
 */
export function notifyByProgram(
  program: string,
  failed: (error: AgentError) => void,
): (message: string) => void {
  let last = Promise.resolve();
  const send = async (message: string, before: Promise<void>): Promise<void> => {
    await before;
    try {
      await execa(program, message.split('\n'), { stdin: 'ignore', timeout: DEADLINE_MS });
    } catch (cause) {
      failed(new AgentError('unit', `notifying systemd with ${program}: ${explain(cause)}`, { cause }));
    }
  };
  return (message) => {
    last = send(message, last);
  };
}
