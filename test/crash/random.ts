/** Random numbers in [0, 1) that a seed gives again (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The chances that are taken: the same every time, so that a red test stays red; `CRASH_SEED` takes others. */
export const seed = Number(process.env['CRASH_SEED'] ?? 20_261_121);

/** Which part of a sweep's cases is worked through, in (0, 1]: `scripts/test --all` has no time for all of them. */
export const share = Number(process.env['CRASH_SHARE'] ?? 1);

/** Every k-th of a list so that about `size` are left; which ones is the seed's choice. */
export function sample<T>(list: readonly T[], size: number): T[] {
  if (list.length <= size) return [...list];
  const step = list.length / size;
  const offset = seededRandom(seed)() * step;
  return Array.from({ length: size }, (_, index) => list[Math.floor(offset + index * step)]).filter(
    (item): item is T => item !== undefined,
  );
}
