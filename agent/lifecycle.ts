/** What the outside tells a running program: to stop (SIGTERM, SIGINT), or to begin anew (SIGHUP). */
export type Lifecycle = {
  /** Fires once, when the program is to stop. */
  stopping: AbortSignal;
  /** Fires at the next SIGHUP, or call of `reload`; a new one for each time the configuration is read. */
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
      // Whoever asks a second time means it, and the default action ends the program.
      process.off(name, listener);
      process.kill(process.pid, name);
    };
    process.on(name, listener);
  }
  let reload = new AbortController();
  return {
    stopping: stop.signal,
    reload: () => {
      reload.abort();
    },
    nextReload: () => {
      if (process.listenerCount('SIGHUP') === 0)
        process.on('SIGHUP', () => {
          reload.abort();
        });
      reload = new AbortController();
      return reload.signal;
    },
  };
}
