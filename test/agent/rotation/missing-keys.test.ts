import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { STATE } from '../../../agent/paths.ts';
import { missingKeys } from '../../../agent/rotation/missing-keys.ts';
import { SERVICE_ACCOUNT } from '../../../agent/rotation/service-account.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
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
  await disk.makeDirectory(STATE, { mode: 0o700 });
  const secrets = createSecrets();
  const node = { layout: { ...SMALL, serviceAccount: ROW }, params: new Map(Object.entries(params)) };
  const config = { heat_params: '/etc/sysconfig/heat-params' };
  return { write, secrets, find: async () => await missingKeys(node, { disk, secrets, config }) };
}

const PAIR = { publicKey, privateKey };
const [PRIVATE, PUBLIC] = ['/etc/k/sa.key', '/etc/k/sa.pub'];

test('takes the pair of heat-params, and masks the private key', async () => {
  const { find, secrets } = await setUp(PARAMS);
  expect(await find()).toEqual({ paths: [PRIVATE, PUBLIC], pair: PAIR });
  // Without its own frame, which would reveal any key.
  const body = privateKey.split('\n').slice(1, -2).join('\n');
  expect(secrets.redact(body)).not.toContain(body);
});

test('misses nothing on a node with both files', async () => {
  const { find, write } = await setUp(PARAMS);
  await write(PRIVATE, 'any');
  await write(PUBLIC, 'any');
  expect(await find()).toBeUndefined();
});

test('takes a private key from heat-params if its public key is the only accepted one', async () => {
  const { find, write } = await setUp(PARAMS);
  await write(PUBLIC, publicKey);
  expect(await find()).toEqual({ paths: [PRIVATE], pair: PAIR });
});

test('makes a public key of the private one, whatever heat-params have', async () => {
  const { find, write } = await setUp({});
  await write(PRIVATE, privateKey);
  expect(await find()).toEqual({ paths: [PUBLIC], pair: PAIR });
});

describe('takes no pair', () => {
  const other = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const kept = JSON.stringify({ version: 1, leaving: [] });

  test.each([
    ['if another public key is accepted', { [PUBLIC]: other.publicKey }],
    ['if another public key is accepted, too', { [PUBLIC]: `${publicKey}${other.publicKey}` }],
    ['if the node has changed its keys', { [SERVICE_ACCOUNT]: kept }],
    ['if the record of a change is damaged', { [SERVICE_ACCOUNT]: 'half' }],
  ])('of heat-params %s', async (_, files) => {
    const { find, write } = await setUp(PARAMS);
    for (const [path, text] of Object.entries(files)) await write(path, text);
    expect(await find()).toMatchObject({ error: { code: 'precondition', reason: 'keys-changed' } });
  });

  test.each([
    ['half a pair', { ...PARAMS, KUBE_SERVICE_ACCOUNT_KEY: '' }],
    ['masked ones', { KUBE_SERVICE_ACCOUNT_KEY: '***', KUBE_SERVICE_ACCOUNT_PRIVATE_KEY: '***' }],
  ])('with which no pod could log in: %s', async (_, params) => {
    const { find } = await setUp(params);
    expect(await find()).toMatchObject({ error: { code: 'bad-heat-params' } });
  });

  test('of a damaged private key', async () => {
    const { find, write } = await setUp(PARAMS);
    await write(PRIVATE, 'damaged');
    expect(await find()).toMatchObject({ paths: [PUBLIC], error: { code: 'bad-file' } });
  });
});

test.each([[{}], [{ KUBE_SERVICE_ACCOUNT_KEY: '', KUBE_SERVICE_ACCOUNT_PRIVATE_KEY: ' ' }]])(
  'misses nothing if neither the node nor heat-params have keys: %j',
  async (params) => {
    expect(await (await setUp(params)).find()).toBeUndefined();
  },
);

test('misses nothing on a node whose layout has no such keys', async () => {
  const { disk } = await tempRoot();
  const node = { layout: SMALL, params: new Map(Object.entries(PARAMS)) };
  const hands = { disk, secrets: createSecrets(), config: { heat_params: '/x' } };
  expect(await missingKeys(node, hands)).toBeUndefined();
});
