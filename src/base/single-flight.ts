/**
 * Shares one run among overlapping calls with the same key. The result is not cached: a call after the end runs again.
 */
export function createSingleFlight<T>(): (key: string, run: () => Promise<T>) => Promise<T> {
  const flying = new Map<string, Promise<T>>();
  return async (key, run) => {
    const current = flying.get(key);
    if (current) return await current;
    const started = run().finally(() => flying.delete(key));
    flying.set(key, started);
    return await started;
  };
}
