import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { clientsOf } from '../../../agent/peers/clients.ts';
import { nextTokenKey, refusesTokenKey } from '../../../agent/peers/see-token-key.ts';
import { keptText, SERVICE_ACCOUNT } from '../../../agent/rotation/service-account.ts';
import { tokenKeyId } from '../../../src/services/token-keys.ts';
import { NEVER } from '../../src/support/clock.ts';
import { testHands } from '../support/hands.ts';
import { networkOf } from '../support/network.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const cas = newGeneration();
const master = nodeOf('master');
const port = (number: number, path: string) =>
  ({ host: '10.0.0.6', port: number, path, ca: 'kubernetes' }) as const;
const PEER = { name: 'm1', isMaster: true, ports: [port(10250, '/healthz'), port(6443, '/api')] };

/** @param answer of the peer's API server to the request for its keys; undefined: it is away */
async function refuses(answer?: { status: number; keys?: readonly string[] }): Promise<boolean> {
  const { cert: presents } = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]);
  const text = JSON.stringify({ keys: answer?.keys?.map((kid) => ({ kid })) });
  const server = {
    presents,
    ask: async ({ path }: { path: string }) =>
      await Promise.resolve(
        path === '/openid/v1/jwks'
          ? { status: answer?.status ?? 500, headers: {}, text }
          : { status: path === '/api' ? 200 : 404, headers: {}, text: '' },
      ),
  };
  const { hands, write } = await testHands(networkOf(answer ? { '10.0.0.6:6443': server } : {}));
  await writeCertificates(master, { write }, cas);
  const { kubernetes } = clientsOf(master);
  if (!kubernetes) throw new Error('a master has a client certificate');
  return await refusesTokenKey('new', PEER, kubernetes, hands, NEVER);
}

test('a peer refuses a key only if it publishes its keys without it', async () => {
  expect(await refuses({ status: 200, keys: ['old'] })).toBe(true);
  expect(await refuses({ status: 200, keys: ['old', 'new'] })).toBe(false);
});

test('a peer that does not tell its keys refuses none', async () => {
  expect(await refuses({ status: 404 })).toBe(false);
  expect(await refuses()).toBe(false);
});

test('knows the key that `reissue` will bring', async () => {
  const { hands, write } = await testHands();
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const next = {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
  await write(SERVICE_ACCOUNT, keptText({ leaving: [], next }));
  expect(await nextTokenKey(master, hands)).toBe(tokenKeyId(next.publicKey));
});

test('no key is to come on a node without service accounts, nor before a rotation brings one', async () => {
  const { hands } = await testHands();
  expect(await nextTokenKey(nodeOf('worker'), hands)).toBeUndefined();
  expect(await nextTokenKey(master, hands)).toBeUndefined();
});
