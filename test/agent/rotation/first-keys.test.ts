import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { firstKeys } from '../../../agent/rotation/first-keys.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { fileAt, SMALL } from '../../src/support/small-layout.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const ROW = {
  privateKeyFile: fileAt('/etc/k/sa.key'),
  publicKeyFile: fileAt('/etc/k/sa.pub'),
  verifiers: [],
  signers: [],
};
const { publicKey, privateKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
/** As Magnum writes them. */
const oneLine = (pem: string): string => pem.replaceAll('\n', String.raw`\n`);
const PARAMS = {
  KUBE_SERVICE_ACCOUNT_KEY: oneLine(publicKey),
  KUBE_SERVICE_ACCOUNT_PRIVATE_KEY: oneLine(privateKey),
};

async function setUp(params: Record<string, string>) {
  const { disk, write } = await tempRoot();
  const secrets = createSecrets();
  const node = { layout: { ...SMALL, serviceAccount: ROW }, params: new Map(Object.entries(params)) };
  const config = { heat_params: '/etc/sysconfig/heat-params' };
  return { write, secrets, find: async () => await firstKeys(node, { disk, secrets, config }) };
}

test('takes the pair of heat-params, and masks the private key', async () => {
  const { find, secrets } = await setUp(PARAMS);
  expect(await find()).toEqual({ publicKey, privateKey });
  // Without its own frame, which would reveal any key.
  const body = privateKey.split('\n').slice(1, -2).join('\n');
  expect(secrets.redact(body)).not.toContain(body);
});

test("keeps the node's pair: it is the same or newer", async () => {
  const { find, write } = await setUp(PARAMS);
  await write('/etc/k/sa.key', 'newer');
  expect(await find()).toBeUndefined();
});

test.each([[{}], [{ KUBE_SERVICE_ACCOUNT_KEY: '', KUBE_SERVICE_ACCOUNT_PRIVATE_KEY: ' ' }]])(
  'finds none in heat-params without keys: %j',
  async (params) => {
    expect(await (await setUp(params)).find()).toBeUndefined();
  },
);

test('finds none on a node whose layout has no such keys', async () => {
  const { disk } = await tempRoot();
  const node = { layout: SMALL, params: new Map(Object.entries(PARAMS)) };
  const hands = { disk, secrets: createSecrets(), config: { heat_params: '/x' } };
  expect(await firstKeys(node, hands)).toBeUndefined();
});

test.each([
  ['half a pair', { ...PARAMS, KUBE_SERVICE_ACCOUNT_KEY: '' }],
  ['masked ones', { KUBE_SERVICE_ACCOUNT_KEY: '***', KUBE_SERVICE_ACCOUNT_PRIVATE_KEY: '***' }],
])('rejects keys with which no pod could log in: %s', async (_, params) => {
  const { find } = await setUp(params);
  expect(await agentErrorOf(find())).toMatchObject({ code: 'bad-heat-params' });
});
