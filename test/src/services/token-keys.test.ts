import { createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { acceptedTokenKeys, tokenKeyId } from '../../../src/services/token-keys.ts';
import { NEVER } from '../support/clock.ts';

/** The answer of a kube-apiserver 1.20.2 of a stock cluster with two keys. */
const KEYS = [
  {
    use: 'sig',
    kty: 'RSA',
    kid: 'z_xlgxC8yPtObjs5W9PQziKN-Z7Y8r5T7tfOYWdfLLY',
    alg: 'RS256',
    n: 'rf-ejPpNvRE9P7aiZcZPv0ZQ2e96qMFUsn4k7zN-ohiBWaq10TbsBprojHiQ5XGRSj8595oIGQsbAoFA6akfi7RZkc006OSHCf43qCyxgdUdM3P5hnrE924vSINyR0Ziy3ELHsPuHW6vKVYvrrahVvoP9SbXDYxpsq4wOqTMD176BmntMVVB7RjE5X0wiqi3czZpgRqHjVzuICTxvK39TdDz7ev7tqt3Fxla25jDf52ToyuWlX-iA0pX-1UZ0mGKaPzlr63LX2Ko7E90SJxg-vLhLfx8tiaSu89uYosNpNLyXUccwaBr6SHiQ7vxgZMou8SvzC4XsSPNSTZ5SkMO6Q',
    e: 'AQAB',
  },
  {
    use: 'sig',
    kty: 'RSA',
    kid: 'MG5yuPRcWihtKXv7fh5WhGFPud1yEn8Kz7saEUkSVEc',
    alg: 'RS256',
    n: 'xD0pdt1OI_lZQaorTN-xfqcTJqqSaJS-sxtzEEoVlOZJRt8KdyCIy9ymuJH-Say2JE0elbpExO1b60Xuv-BhuoQgiGrFsI1sF9tE5_R6TqzAOQS7fEirHWsm3t-XMFVwyK0PwZWkiJrGNTAJ8L63ZnJ-qSOKIZxBV03PGSiTbSnV7w89pQUsTvrz9ew5-5mXDM0f-Vwm7Qv6oYdS2j9F0moHWRO8YJ95tHtfvhugAvlTkpKQz3Tcxct1MC0B4LRRtgLhLfAmO2ar7gBukDVNxumX3RCjqOoZEOZcShO5o47Ob5AotGWWmYfnY1uhMwfOmIZYgtuegDEUxdiUWspGNQ',
    e: 'AQAB',
  },
];

const askFor = (status: number, text: string) => async () =>
  await Promise.resolve({ status, headers: {}, text });

test('reads the ids of the keys, as this node computes them', async () => {
  const told = await acceptedTokenKeys(askFor(200, JSON.stringify({ keys: KEYS })), NEVER);
  const ids = KEYS.map((key) =>
    tokenKeyId(createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' })),
  );
  expect([...(told ?? [])]).toEqual(ids);
});

test.each([
  [404, '404 page not found'],
  [403, '{}'],
  [200, 'no JSON'],
])('knows nothing of a server that answers %i %s', async (status, text) => {
  expect(await acceptedTokenKeys(askFor(status, text), NEVER)).toBeUndefined();
});
