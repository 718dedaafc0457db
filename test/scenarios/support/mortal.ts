import type { Instrument } from '../../../agent/compose.ts';
import type { Kubernetes } from '../../fakes/kubernetes.ts';

/**
 * A program that is killed at its n-th touch of the API or the disk: nothing of it reaches them from then on. The first
 * touch is one of the API.
 */
function mortal(): {
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

/**
 * Kills the work at each of its touches in turn, on a new subject each time, until one piece of work is not killed.
 *
 * @param check receives the subject as the kill left it
 * @returns how many kills came after the first change of an object in the API
 */
export async function killedAtEachTouch<T extends { api: Kubernetes }>(
  create: (instrument: Instrument) => Promise<T>,
  work: (subject: T) => Promise<unknown>,
  check: (subject: T, when: string) => Promise<void>,
): Promise<number> {
  let inApi = 0;
  for (let at = 1; ; at += 1) {
    const life = mortal();
    const subject = await create(life.instrument);
    life.killAt(at);
    await work(subject).catch(() => undefined);
    const isKilled = life.revive() >= at;
    if (isKilled && subject.api.asked.some(({ method }) => method === 'PATCH')) inApi += 1;
    await check(subject, `killed at ${at}`);
    if (!isKilled) return inApi;
  }
}
