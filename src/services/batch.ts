/**
 * Turns a question about many things into one about a single thing: those that are asked at the same moment and for
 * the same caller's signal go out together.
 */
export function batched<T>(
  askAll: (names: readonly string[], signal: AbortSignal) => Promise<readonly T[]>,
): (name: string, signal: AbortSignal) => Promise<T> {
  const open = new Map<AbortSignal, { names: string[]; answers: Promise<readonly T[]> }>();
  return async (name, signal) => {
    let batch = open.get(signal);
    if (!batch) {
      const names: string[] = [];
      const answers = Promise.resolve().then(async () => {
        open.delete(signal);
        return await askAll(names, signal);
      });
      batch = { names, answers };
      open.set(signal, batch);
    }
    const place = batch.names.push(name) - 1;
    const answer = (await batch.answers)[place];
    if (answer === undefined) throw new TypeError(`no answer about ${name}`);
    return answer;
  };
}
