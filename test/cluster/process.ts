import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { eventually } from '../scenarios/support/eventually.ts';

export type Process = {
  readonly pid: number;
  readonly hasEnded: boolean;
  /** Sends SIGTERM, and SIGKILL after `graceMs`. */
  stop(graceMs?: number): Promise<void>;
  /** Waits until the program answers; rejects if it ends. */
  untilReady(probe: () => Promise<boolean>, forMs: number): Promise<void>;
};

/** Starts a program in the background, with its output in a file. */
export function startProcess(
  program: string,
  args: readonly string[],
  log: string,
  env: Readonly<Record<string, string>> = {},
): Process {
  const output = openSync(log, 'a');
  const child: ChildProcess = spawn(program, args, {
    stdio: ['ignore', output, output],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env },
  });
  closeSync(output);
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  const hasEnded = (): boolean =>
    child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  return {
    pid: child.pid ?? 0,
    get hasEnded() {
      return hasEnded();
    },
    stop: async (graceMs = 10_000) => {
      if (hasEnded()) return;
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(late);
    },
    untilReady: async (probe, forMs) => {
      await eventually(
        `${program} is ready`,
        async () => {
          if (hasEnded())
            throw new Error(`${program} ended early: ${(await readFile(log, 'utf8')).slice(-2000)}`);
          return await probe().catch(() => false);
        },
        forMs,
      );
    },
  };
}
