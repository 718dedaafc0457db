/** Returns random numbers in [0, 1) that a seed reproduces (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The default seed is constant, so that a failing test stays failing; `CRASH_SEED` overrides it. */
export const seed = Number(process.env['CRASH_SEED'] ?? 20_261_121);

/** The part of a sweep's cases to run, in (0, 1]: `scripts/test --all` has no time for all of them. */
export const share = Number(process.env['CRASH_SHARE'] ?? 1);

/** Every k-th of a list, so that about `size` remain; the seed decides which. */
export function sample<T>(list: readonly T[], size: number): T[] {
  if (list.length <= size) return [...list];
  const step = list.length / size;
  const offset = seededRandom(seed)() * step;
  return Array.from({ length: size }, (_, index) => list[Math.floor(offset + index * step)]).filter(
    (item): item is T => item !== undefined,
  );
}
