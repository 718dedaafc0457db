import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

export const KEY_ALGORITHMS = ['rsa-4096', 'rsa-2048', 'ec-p256'] as const;
export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];

const generate = promisify(generateKeyPair);

/** Creates a private key in Node's thread pool, so that several are created concurrently. */
export async function makeKey(algorithm: KeyAlgorithm): Promise<KeyObject> {
  switch (algorithm) {
    case 'rsa-4096':
      return (await generate('rsa', { modulusLength: 4096 })).privateKey;
    case 'rsa-2048':
      return (await generate('rsa', { modulusLength: 2048 })).privateKey;
    case 'ec-p256':
      return (await generate('ec', { namedCurve: 'P-256' })).privateKey;
  }
}

/** Exports PKCS #8, which every service of a cluster reads for every algorithm. */
export const keyToPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' });

export const keyFromPem = (pem: string): KeyObject => createPrivateKey(pem);
