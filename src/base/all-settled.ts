/**
 * Does some work for each of several things at once. The first error ends it all; the others are let finish before it
 * is thrown, so that nothing runs on unseen.
 */
export async function allSettled<T, R>(things: readonly T[], work: (thing: T) => Promise<R>): Promise<R[]> {
  const settled = await Promise.allSettled(things.map(work));
  const failure = settled.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}
