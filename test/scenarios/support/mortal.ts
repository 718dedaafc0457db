import type { Instrument } from '../../../agent/compose.ts';

/**
 * A program that is killed at its n-th touch of the API or the disk: nothing of it reaches them from then on. The first
 * touch is one of the API.
 */
export function mortal(): {
  instrument: Instrument;
  killAt(touch: number): void;
  /** @returns the number of touches before */
  revive(): number;
} {
  let [touches, limit] = [0, Infinity];
  const touch = (): void => {
    touches += 1;
    if (touches >= limit) throw new Error('killed');
  };
  return {
    instrument: {
      disk: (real) => ({
        ...real,
        rename: async (from, to) => {
          if (touches > 0) touch();
          await real.rename(from, to);
        },
      }),
      http: (real) => async (request) => {
        if (!request.url.includes('/api')) return await real(request);
        const isWrite = request.method !== 'GET';
        if (isWrite || touches >= limit) touch();
        const answer = await real(request);
        if (isWrite) touch();
        return answer;
      },
    },
    killAt: (at) => {
      [touches, limit] = [0, at];
    },
    revive: () => {
      limit = Infinity;
      return touches;
    },
  };
}
