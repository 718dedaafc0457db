import type { Clock } from '../src/base/clock.ts';
import { explain } from '../src/base/errors.ts';
import type { Log } from './events.ts';

/** Messages to systemd (Type=notify). Sends nothing without NOTIFY_SOCKET. */
export type Notify = {
  /**
   * Reports a completed pass; the next one starts within `nextMs`. Apart from `atWork`, only this call resets the
   * watchdog.
   *
   * @param ready whether units ordered after this one may start
   */
  passed(status: string, about: { ready: boolean; nextMs: number }): void;
  /**
   * Reports that the daemon is ready, once the cloud has answered. Its requests may include a script that takes an
   * hour, and the start must not wait for that.
   */
  ready(): void;
  /** Sets the line that `systemctl status` shows. */
  status(text: string): void;
  /**
   * Keeps the watchdog quiet until the signal fires, for long work with its own deadlines. Repeated calls have no
   * further effect.
   */
  atWork(until: AbortSignal): void;
  /** Reports that the configuration is being reloaded, until `reloaded`. */
  reloading(): void;
  reloaded(): void;
  stopping(): void;
};

/** Sends one message to systemd: lines of NAME=VALUE (sd_notify(3)). */
export type Tell = (message: string) => void;

/** Interval of the messages during work, and the time that each of them adds; it also extends a stop. */
const BEAT_MS = 20_000;
const EXTENSION_MS = 60_000;

type Words = Record<string, string | number | bigint>;

/** Creates the notifier. @param redact the status is readable by every user */
export async function createNotify(
  env: NodeJS.ProcessEnv,
  { clock, log, redact }: { clock: Clock; log: Log; redact: (text: string) => string },
): Promise<Notify> {
  /** The maximum duration of a pass: the unit's WatchdogSec. */
  const watchdogMs = Number(env['WATCHDOG_USEC'] ?? 0) / 1000;
  let isReady = false;
  let beating: AbortSignal | undefined;

  const send = env['NOTIFY_SOCKET'] ? await openSystemd(log) : undefined;
  const tell = (words: Words): void => {
    send?.(
      Object.entries(words)
        .map(([name, value]) => `${name}=${value}`)
        .join('\n'),
    );
  };
  const status = (text: string): Words => ({ STATUS: redact(text).replaceAll('\n', ' ') });
  const beat = async (until: AbortSignal): Promise<void> => {
    const every = Math.min(BEAT_MS, (watchdogMs || Infinity) / 3);
    while (!until.aborted) {
      tell({ WATCHDOG: 1, EXTEND_TIMEOUT_USEC: EXTENSION_MS * 1000 });
      await clock.sleep(every, until).catch(() => undefined);
    }
  };

  return {
    passed: (text, { ready, nextMs }) => {
      isReady ||= ready;
      tell({
        ...status(text),
        // While the daemon waits for its cloud, each completed pass extends the start.
        ...(isReady ? { READY: 1 } : { EXTEND_TIMEOUT_USEC: Math.round((EXTENSION_MS + nextMs) * 1000) }),
        // Add the wait between two passes to the watchdog's limit: it is configured, or requested by the cloud.
        ...(watchdogMs > 0 && { WATCHDOG: 1, WATCHDOG_USEC: Math.round((watchdogMs + nextMs) * 1000) }),
      });
    },
    ready: () => {
      if (!isReady) tell({ READY: 1 });
      isReady = true;
    },
    status: (text) => {
      tell(status(text));
    },
    atWork: (until) => {
      if (!send || beating === until) return;
      beating = until;
      void beat(until);
    },
    reloading: () => {
      if (isReady) tell({ RELOADING: 1, MONOTONIC_USEC: process.hrtime.bigint() / 1000n });
    },
    reloaded: () => {
      if (isReady) tell({ READY: 1 });
    },
    stopping: () => {
      tell({ STOPPING: 1, ...status('stopping after the current commit') });
    },
  };
}

/**
 * Loads systemd's own library into this process, because Node has no datagram sockets. If that fails, runs a program
 * for each message: without messages, systemd would kill the daemon at its start time-out or by the watchdog.
 */
async function openSystemd(log: Log): Promise<Tell> {
  try {
    const { dlopen } = await import('node:ffi');
    const { functions } = dlopen('libsystemd.so.0', {
      sd_notify: { arguments: ['i32', 'string'], return: 'i32' },
    });
    return (message) => {
      const code = functions.sd_notify(0, message);
      if (code < 0) log('systemd-unreachable', { errno: -code });
    };
  } catch (error) {
    log('libsystemd-missing', { why: explain(error) });
    const { notifyByProgram } = await import('../src/services/notify-program.ts');
    return notifyByProgram('systemd-notify', (failure) => {
      log('systemd-unreachable', { why: explain(failure) });
    });
  }
}
