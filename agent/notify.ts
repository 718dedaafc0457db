import type { Clock } from '../src/base/clock.ts';
import { explain } from '../src/base/errors.ts';
import type { Log } from './events.ts';

/** Messages to systemd (Type=notify); none without NOTIFY_SOCKET. */
export type Notify = {
  /**
   * A pass is complete, the next one begins within `nextMs`. Nothing else but `atWork` keeps the watchdog quiet.
   *
   * @param ready whether units that are ordered after this one may start
   */
  passed(status: string, about: { ready: boolean; nextMs: number }): void;
  /** The cloud has said what it wants: a start is over before that is done, which may be a script of an hour. */
  ready(): void;
  /** The line that `systemctl status` shows. */
  status(text: string): void;
  /** Until then something goes on that may take long and has deadlines of its own; saying so twice is once. */
  atWork(until: AbortSignal): void;
  /** The configuration is being read anew, until `reloaded`. */
  reloading(): void;
  reloaded(): void;
  stopping(): void;
};

/** Hands systemd one message, lines of NAME=VALUE (sd_notify(3)). */
export type Tell = (message: string) => void;

/** How often systemd hears of work that goes on, and for how long it then waits, also for a stop. */
const BEAT_MS = 20_000;
const EXTENSION_MS = 60_000;

type Words = Record<string, string | number | bigint>;

/** @param redact every user can read the status that systemd shows */
export async function createNotify(
  env: NodeJS.ProcessEnv,
  { clock, log, redact }: { clock: Clock; log: Log; redact: (text: string) => string },
): Promise<Notify> {
  /** How long a pass may take: the unit's WatchdogSec. */
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
        // A start that waits for its cloud goes on for as long as passes come to an end.
        ...(isReady ? { READY: 1 } : { EXTEND_TIMEOUT_USEC: Math.round((EXTENSION_MS + nextMs) * 1000) }),
        // The wait between two passes is configured, or asked for by the cloud, and no part of the unit's limit.
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
      tell({ STOPPING: 1, ...status('finishing what must not be broken off') });
    },
  };
}

/**
 * systemd's own library, in this process: Node has no datagram sockets. Without it, a program for each message: a
 * daemon that cannot speak would be killed at its start's time-out, or by its watchdog.
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
