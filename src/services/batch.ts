/**
 * Turns a query for many things into a query for one. Calls at the same moment with the same abort signal share one
 * request.
 */
export function batched<T>(
  askAll: (names: readonly string[], abort: AbortSignal) => Promise<readonly T[]>,
): (name: string, abort: AbortSignal) => Promise<T> {
  const open = new Map<AbortSignal, { names: string[]; answers: Promise<readonly T[]> }>();
  return async (name, abort) => {
    let batch = open.get(abort);
    if (!batch) {
      const names: string[] = [];
      const answers = Promise.resolve().then(async () => {
        open.delete(abort);
        return await askAll(names, abort);
      });
      batch = { names, answers };
      open.set(abort, batch);
    }
    const place = batch.names.push(name) - 1;
    const answer = (await batch.answers)[place];
    if (answer === undefined) throw new TypeError(`no answer about ${name}`);
    return answer;
  };
}
