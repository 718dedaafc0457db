/** What the outside tells a running program: to stop (SIGTERM, SIGINT), or to look again now (SIGHUP). */
export type Lifecycle = {
  /** Fires once, when the program is to stop. */
  stopping: AbortSignal;
  /** Called on SIGHUP: read the configuration anew and look again. */
  onReload(listener: () => void): void;
};

export function watchSignals(): Lifecycle {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.once(name, () => {
      stop.abort();
      // Whoever asks a second time means it: the default action ends the program.
    });
  return {
    stopping: stop.signal,
    onReload: (listener) => {
      process.on('SIGHUP', listener);
    },
  };
}
