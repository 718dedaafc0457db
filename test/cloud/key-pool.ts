import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

const generate = promisify(generateKeyPair);

export type KeyPair = { publicKey: KeyObject; privateKey: KeyObject };
export type KeyKind = 'rsa' | 'ec';

export type KeyPool = { take(kind: KeyKind): Promise<KeyPair> };

const generateRsa = async (): Promise<KeyPair> => await generate('rsa', { modulusLength: 2048 });

/**
 * RSA-2048 pairs made in advance outside of the main thread, so that a rotation, which uses four, does not wait: one at
 * first, up to `most` after the first use. EC pairs take a millisecond and are made on demand.
 */
export function createKeyPool(most = 4): KeyPool {
  const ready: Promise<KeyPair>[] = [generateRsa()];
  let taken = 0;
  return {
    take: async (kind) => {
      if (kind === 'ec') return await generate('ec', { namedCurve: 'P-256' });
      const next = ready.shift() ?? generateRsa();
      taken += 1;
      while (ready.length < Math.min(taken, most)) ready.push(generateRsa());
      return await next;
    },
  };
}
