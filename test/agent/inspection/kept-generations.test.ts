import { expect, test } from 'vitest';
import { endOf, formerCasIn, seeKept } from '../../../agent/inspection/kept-generations.ts';
import type { Node } from '../../../agent/node.ts';
import { fingerprint, oneCertificate } from '../../../src/certificates/read.ts';
import type { KeptFile } from '../../../src/files/kept.ts';
import { createHands, type TestHands } from '../../fakes/hands.ts';
import { createSigner, makeList, signLeaf } from '../../src/support/crl.ts';
import { createCa } from '../../src/support/openssl.ts';
import {
  fileAt,
  kubeconfigOf,
  SMALL,
  type SmallNode,
  writeSmallNode,
} from '../../src/support/small-layout.ts';
import { leafOf } from '../../src/support/tls-server.ts';
import { nodeOf } from '../support/node.ts';

const CA = '/etc/k/ca.crt';
const CERT = '/etc/k/server.crt';
const KEY = '/etc/k/server.key';
const CONFIG = '/etc/k/admin.conf';
const LIST = '/etc/k/crl.pem';
const AT = Date.parse('2026-11-28T00:00:00Z');

const fileOf = (path: string, text: string): KeptFile => ({ path, content: Buffer.from(text), mode: 0o600 });
const filesOf = (ca: string, { server, admin }: Omit<SmallNode, 'ca'>): KeptFile[] => [
  fileOf(CA, ca),
  fileOf(CERT, server.certificate),
  fileOf(KEY, server.key),
  fileOf(CONFIG, kubeconfigOf(ca, admin)),
];
const markOf = (pem: string): string => fingerprint(oneCertificate(pem, 'it'));

/** Makes a node, with these kept files. */
async function createNode(layout: Partial<Node['layout']> = {}) {
  const made = await createHands();
  const small = await writeSmallNode(made);
  const node = nodeOf('worker', {}, { ...SMALL, ...layout });
  const keep = async (files: KeptFile[], at = AT): Promise<string> =>
    await made.hands.keptGenerations.keep({ runId: 'r', at, files });
  return { made, small, node, keep };
}
const seen = async ({ hands }: TestHands, node: Node) => await seeKept(node, hands);

test('a generation that is in place changes nothing', async () => {
  const { made, small, node, keep } = await createNode();
  await keep(filesOf(small.ca.pem, small));
  expect(await seen(made, node)).toMatchObject([
    {
      changes: [],
      isInRotation: false,
      formerCas: [],
      faults: [],
      notAfter: new Date(endOf({ files: filesOf(small.ca.pem, small) })).toISOString(),
    },
  ]);
});

test('lists what a rollback would change, newest generation first', async () => {
  const { made, small, node, keep } = await createNode();
  const server = await leafOf(small.ca);
  await keep(filesOf(small.ca.pem, { ...small, server }));
  await keep(filesOf(small.ca.pem, small), AT + 1);
  const [newest, oldest] = await seen(made, node);
  expect(newest).toMatchObject({ changes: [] });
  expect(oldest).toMatchObject({ changes: [CERT, KEY], isInRotation: false, faults: [] });
});

test('a generation with another CA, or with several, is part of a rotation', async () => {
  const { made, small, node, keep } = await createNode();
  const former = await createCa();
  const old = { server: await leafOf(former), admin: await leafOf(former) };
  await keep(filesOf(former.pem, old));
  expect(await seen(made, node)).toMatchObject([
    { isInRotation: true, formerCas: [markOf(former.pem)], faults: [] },
  ]);
  await made.write(CA, former.pem + small.ca.pem);
  await keep(filesOf(former.pem + small.ca.pem, old), AT + 1);
  expect((await seen(made, node))[0]).toMatchObject({ isInRotation: true, formerCas: [] });
});

test('a generation in which files do not fit each other cannot be used', async () => {
  const { made, small, node, keep } = await createNode();
  const other = await leafOf(small.ca);
  const files = filesOf(small.ca.pem, { ...small, server: { ...small.server, key: other.key } });
  await keep(files);
  const [one] = await seen(made, node);
  expect(one?.faults).toHaveLength(1);
  expect(one?.faults[0]).toContain(KEY);
});

test('a certificate that an installed list revokes cannot be used; another reader of it can', async () => {
  const ca = await createSigner(['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'keyCertSign,cRLSign');
  const [revoked, fine] = [await signLeaf(ca, '0b'), await signLeaf(ca, '0c')];
  const { made, small, node, keep } = await createNode({
    revocationLists: [{ ca: 'kubernetes', file: fileAt(LIST), unit: 'api', reader: 'openssl' }],
    units: [
      { unit: 'api', required: true, probe: undefined, health: { url: 'https://127.0.0.1/', as: 'server' } },
    ],
  });
  await made.write(CA, ca.pem);
  await made.write(LIST, (await makeList(ca, { number: 1, serials: ['0b'] })).pem);
  const files = ({ cert, key }: typeof fine): KeptFile[] =>
    filesOf(ca.pem, { ...small, server: { certificate: cert, key } }).slice(0, 3);
  await made.disk.remove(CONFIG);
  const optional = { ...node, layout: { ...node.layout, kubeconfigs: [] } };
  await keep(files(revoked));
  await keep(files(fine), AT + 1);
  const [newest, oldest] = await seen(made, optional);
  expect(newest?.faults).toEqual([]);
  expect(oldest?.faults).toHaveLength(1);
  expect(oldest?.faults[0]).toContain(LIST);
});

test('ends with the first of its certificates; never without one', async () => {
  const [short, long] = [await createCa('k1', 10), await createCa('k1', 20)];
  const files = [fileOf('/a', long.pem), fileOf('/b', short.pem), fileOf('/c', 'junk')];
  expect(endOf({ files })).toBe(oneCertificate(short.pem, 'it').validToDate.getTime());
  expect(endOf({ files: [fileOf('/c', 'junk')] })).toBe(Infinity);
});

test('a damaged file of a generation has no CA', async () => {
  const { made, small } = await createNode();
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  expect(await formerCasIn({ files: [fileOf(CA, broken)] }, made.disk)).toEqual([]);
  expect(await formerCasIn({ files: [fileOf('/etc/k/none', small.ca.pem)] }, made.disk)).toEqual([
    markOf(small.ca.pem),
  ]);
});
