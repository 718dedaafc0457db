import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import { podsOnOldKeys } from '../../../agent/rotation/pods-on-old-keys.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { testHands } from '../support/hands.ts';
import { networkOf } from '../support/network.ts';
import { caOf, newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const newKey = (): KeyObject => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const [present, former] = [newKey(), newKey()];
const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' });
const publicOf = (key: KeyObject): string =>
  createPublicKey(pemOf(key)).export({ type: 'spki', format: 'pem' });

const cas = newGeneration();
const master = nodeOf('master');

/** Makes a master that accepts two keys, in a cluster whose legacy tokens were signed by one of them. */
async function setUp(signer?: KeyObject, { isAway = false } = {}) {
  const api = createKubernetes();
  if (signer) {
    api.addLegacyToken('n', 'token');
    api.signer = signer;
    api.work();
    api.signer = undefined;
  }
  const volumes = [{ secret: { secretName: 'token' } }];
  api.core.put('pods', 'n', 'reader', { spec: { volumes }, status: {} });
  api.core.put('pods', 'n', 'other', { spec: { volumes: [] }, status: {} });
  const { cert: presents } = caOf(cas, 'kubernetes').issue([['CN', 'kubernetes']]);
  const server = { presents, ask: api.askAs('system:masters') };
  const network = networkOf(isAway ? {} : { '127.0.0.1:6443': server });
  const { hands, write } = await testHands(network);
  await writeCertificates(master, { write }, cas);
  const row = master.layout.serviceAccount;
  await write(row?.privateKeyFile.path ?? '', pemOf(present));
  await write(row?.publicKeyFile.path ?? '', publicOf(present) + publicOf(former));
  return {
    network,
    asks: () => api.asked.map(({ path }) => path.split('?')[0]),
    find: async (node = master) => await podsOnOldKeys(node, hands, NEVER),
  };
}

test('names the pods that mount a token of the former key', async () => {
  const { find, network } = await setUp(former);
  expect(await find()).toBe('n/reader');
  expect(network.open()).toBe(0);
});

test('names no pod with a token of the present key', async () => {
  expect(await (await setUp(present)).find()).toBeUndefined();
});

test('lists no pods in a cluster without legacy tokens', async () => {
  const { find, asks } = await setUp();
  expect(await find()).toBeUndefined();
  expect(asks()).toEqual(['/api/v1/secrets']);
});

test('asks nothing on a node without its own API server', async () => {
  const { find, network } = await setUp(former);
  expect(await find(nodeOf('worker'))).toBeUndefined();
  expect(network.opened).toEqual([]);
});

test('does not take an API server that is away for an answer', async () => {
  const { find } = await setUp(former, { isAway: true });
  expect(await agentErrorOf(find())).toMatchObject({ code: 'cloud-unreachable' });
});
