/**
 * Runs `work` for all things concurrently. Waits until all have finished and then throws the first error, so that no
 * work continues in the background.
 */
export async function allSettled<T, R>(things: readonly T[], work: (thing: T) => Promise<R>): Promise<R[]> {
  const settled = await Promise.allSettled(things.map(work));
  const failure = settled.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
