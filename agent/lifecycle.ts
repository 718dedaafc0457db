/**
 * Signals to a running program: to stop (SIGTERM, SIGINT, and for a verb that a person runs SIGHUP, when the
 * terminal is closed), or for the daemon to begin anew (SIGHUP).
 */
export type Lifecycle = {
  /** Fires once, when the program is to stop. */
  stopping: AbortSignal;
  /**
   * Fires at the next SIGHUP, which from the first call on does not stop the program any more, or call of `reload`; a new
   * one for each time the configuration is read.
   */
  nextReload(): AbortSignal;
  reload(): void;
};

export function watchSignals(): Lifecycle {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    // It stays there after the first time: execa ends a program that it finds without a listener of its own.
    const listener = (): void => {
      if (!stop.signal.aborted) {
        stop.abort();
        return;
      }
      // A second signal takes the default action and ends the program.
      process.off(name, listener);
      process.kill(process.pid, name);
    };
    process.on(name, listener);
  }
  let reload: AbortController | undefined;
  process.on('SIGHUP', () => {
    // The kernel and a shell may both tell of a terminal that was closed: the second time means no more than the first.
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
