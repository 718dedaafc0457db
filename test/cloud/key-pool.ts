import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

const generate = promisify(generateKeyPair);

export type KeyPair = { publicKey: KeyObject; privateKey: KeyObject };
export type KeyKind = 'rsa' | 'ec';

export type KeyPool = { take(kind: KeyKind): Promise<KeyPair> };

/**
 * RSA-2048 pairs made ahead, off the main thread, so that neither a new cluster nor a rotation waits for
 * them. EC pairs take a millisecond and are made when asked for.
 */
export function createKeyPool(depth: number): KeyPool {
  const ready: Promise<KeyPair>[] = [];
  const refill = (): void => {
    while (ready.length < depth) ready.push(generate('rsa', { modulusLength: 2048 }));
  };
  refill();
  return {
    take: async (kind) => {
      if (kind === 'ec') return await generate('ec', { namedCurve: 'P-256' });
      const next = ready.shift() ?? generate('rsa', { modulusLength: 2048 });
      refill();
      return await next;
    },
  };
}
