import { execa } from 'execa';
import { AgentError, explain } from '../base/errors.ts';

const DEADLINE_MS = 10_000;

/**
 * systemd-notify(1): a program for each message, where systemd's library cannot be loaded. It is another sender than
 * the unit's main process, so the unit needs NotifyAccess=all (`setup notify-access`).
 *
 * @param failed is told of a message that systemd did not get
 * @returns takes lines of NAME=VALUE (sd_notify(3)); messages go out one after the other
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
