/**
 * Signals to a running program. SIGTERM and SIGINT stop it. SIGHUP stops a verb (its terminal was closed), and makes
 * the daemon reload.
 */
export type Lifecycle = {
  /** Fires once, when the program must stop. */
  stopping: AbortSignal;
  /**
   * Returns a signal that fires at the next SIGHUP or call of `reload`; a new one for each reload. After the first
   * call, SIGHUP no longer stops the program.
   */
  nextReload(): AbortSignal;
  reload(): void;
};

export function watchSignals(): Lifecycle {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    // The listener stays installed: execa ends a program that has no listener of its own.
    const listener = (): void => {
      if (!stop.signal.aborted) {
        stop.abort();
        return;
      }
      // A second signal takes the default action, which ends the program.
      process.off(name, listener);
      process.kill(process.pid, name);
    };
    process.on(name, listener);
  }
  let reload: AbortController | undefined;
  process.on('SIGHUP', () => {
    // The kernel and a shell may both send SIGHUP for a closed terminal; the second one has no further effect.
    (reload ?? stop).abort();
  });
  return {
    stopping: stop.signal,
    reload: () => {
      reload?.abort();
    },
    nextReload: () => {
      reload = new AbortController();
      return reload.signal;
    },
  };
}
