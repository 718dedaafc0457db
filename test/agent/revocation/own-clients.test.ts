import { X509Certificate } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { ownClients } from '../../../agent/revocation/own-clients.ts';
import { readRevocationList } from '../../../src/certificates/crl.ts';
import { createSigner, makeList, signLeaf, type Signer } from '../../src/support/crl.ts';
import { kubeconfigOf, SMALL } from '../../src/support/small-layout.ts';
import { tempRoot } from '../../src/support/temp-root.ts';
import { nodeOf } from '../support/node.ts';

const CANARY = '/etc/coe-agent/canary';
const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
/** The serial numbers of the node's server certificate, of its administrator's and of the canary. */
const [SERVER, ADMIN, OWN] = ['0a11', '0ad1', '0ca7'];
type Leaf = { cert: string; key: string };

let ca: Signer;
let other: Signer;
let [server, admin, canary]: [Leaf, Leaf, Leaf] = [
  { cert: '', key: '' },
  { cert: '', key: '' },
  { cert: '', key: '' },
];
beforeAll(async () => {
  [ca, other] = await Promise.all([createSigner(EC), createSigner(EC)]);
  [server, admin, canary] = await Promise.all([signLeaf(ca, SERVER), signLeaf(ca, ADMIN), signLeaf(ca, OWN)]);
});

/** Lists the clients of a node with all three certificates, whose CA has revoked this one. */
async function clients(revoked: string, { signer = ca, without = '' } = {}) {
  const temp = await tempRoot();
  const files = {
    '/etc/k/ca.crt': ca.pem,
    '/etc/k/server.crt': server.cert,
    '/etc/k/server.key': server.key,
    '/etc/k/admin.conf': kubeconfigOf(ca.pem, { certificate: admin.cert, key: admin.key }),
    [`${CANARY}/cert.pem`]: canary.cert,
    [`${CANARY}/key.pem`]: canary.key,
  };
  for (const [path, text] of Object.entries(files)) if (path !== without) await temp.write(path, text);
  const { der } = await makeList(ca, { number: 1, serials: [revoked] });
  const list = readRevocationList(der, 'the list');
  return await ownClients(nodeOf('worker', {}, SMALL), new X509Certificate(signer.pem), list, temp);
}

test('lists every certificate of the CA with its key: in files, in a kubeconfig, and the canary', async () => {
  const found = await clients(ADMIN);
  expect(found.map(({ identity, isRevoked, isCanary }) => [identity, isRevoked, isCanary])).toEqual([
    [{ certificate: '/etc/k/server.crt', key: '/etc/k/server.key' }, false, false],
    [{ certificate: '/etc/k/admin.conf', key: '/etc/k/admin.conf' }, true, false],
    [{ certificate: `${CANARY}/cert.pem`, key: `${CANARY}/key.pem` }, false, true],
  ]);
});

test('finds the canary in the list by its serial number', async () => {
  expect((await clients(OWN)).map(({ isRevoked }) => isRevoked)).toEqual([false, false, true]);
});

test('lists none of another CA', async () => {
  expect(await clients(SERVER, { signer: other })).toEqual([]);
});

test('has no canary without its key or its certificate', async () => {
  for (const name of ['key', 'cert']) {
    const found = await clients(SERVER, { without: `${CANARY}/${name}.pem` });
    expect(found.map(({ isCanary }) => isCanary)).toEqual([false, false]);
  }
});
