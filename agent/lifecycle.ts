/** What the outside tells a running program: to stop (SIGTERM, SIGINT), or to begin anew (SIGHUP). */
export type Lifecycle = {
  /** Fires once, when the program is to stop. */
  stopping: AbortSignal;
  /** Fires at the next SIGHUP; a new one for each time the configuration is read. */
  nextReload(): AbortSignal;
};

export function watchSignals(): Lifecycle {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    // Only once: whoever asks a second time means it, and the default action ends the program.
    process.once(name, () => {
      stop.abort();
    });
  let reload = new AbortController();
  return {
    stopping: stop.signal,
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
