import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { hasServedCas, readServedCas, servedCa } from '../../../agent/rotation/served-cas.ts';
import type { CaType } from '../../../src/certificates/layout.ts';
import { tempRoot } from '../../src/support/temp-root.ts';
import { testHands } from '../support/hands.ts';
import {
  caOf,
  type Generation,
  newGeneration,
  nodeOf,
  servedOf,
  writeCertificates,
} from '../support/node.ts';

const [former, served] = [newGeneration(), newGeneration()];
const node = nodeOf('master');

/** Whether a node with certificates of one generation has the served CAs. */
async function has(signs: Generation, trusted: readonly Generation[]): Promise<boolean> {
  const temp = await tempRoot();
  await writeCertificates(node, temp, signs, trusted);
  return await hasServedCas(servedOf(node, served), node, temp);
}

test('is true once the node trusts the served CAs, alone or beside the former ones', async () => {
  expect(await has(served, [served])).toBe(true);
  expect(await has(former, [former, served])).toBe(true);
  expect(await has(former, [former])).toBe(false);
});

test("is false if the node's certificates are of a CA that it does not trust", async () => {
  expect(await has(former, [served])).toBe(false);
});

test('ignores a missing certificate', async () => {
  const temp = await tempRoot();
  await writeCertificates(node, temp, served);
  await temp.disk.remove('/etc/kubernetes/certs/proxy.crt');
  expect(await hasServedCas(servedOf(node, served), node, temp)).toBe(true);
});

test('requires the CAs of all kinds', async () => {
  const temp = await tempRoot();
  await writeCertificates(node, temp, served);
  await temp.write('/etc/etcd/certs/ca.crt', caOf(former, 'etcd').pem);
  expect(await hasServedCas(servedOf(node, served), node, temp)).toBe(false);
});

test('ignores a file with one CA for signing', async () => {
  const single = nodeOf(
    'master',
    {},
    {
      authorities: node.layout.authorities.map((row) => ({ ...row, single: row.ca === 'front-proxy' })),
      certificates: node.layout.certificates.filter(({ ca }) => ca !== 'front-proxy'),
    },
  );
  const temp = await tempRoot();
  await writeCertificates(single, temp, served);
  await temp.write('/etc/kubernetes/certs/front-proxy/ca.crt', caOf(former, 'front-proxy').pem);
  expect(await hasServedCas(servedOf(single, served), single, temp)).toBe(true);
});

test('treats kubelet and kubernetes as two names of one CA', () => {
  const cas = servedOf(node, served);
  expect(servedCa(cas, 'kubernetes')).toBe(cas.get('kubelet'));
  expect(servedCa(cas, 'etcd')).toBe(cas.get('etcd'));
  expect(servedCa(new Map(), 'etcd')).toBeUndefined();
});

test('asks Magnum for each CA of the layout', async () => {
  const { hands } = await testHands();
  const wanted = servedOf(node, served);
  const asked: CaType[] = [];
  const cas = await readServedCas(
    node,
    {
      readCa: async (type) => {
        asked.push(type);
        return await Promise.resolve(new X509Certificate(caOf(served, type).pem));
      },
      sign: async () => await Promise.reject(new Error('nothing is signed')),
      recall: async () => await Promise.resolve(undefined),
      keep: async () => await Promise.reject(new Error('nothing is kept')),
      now: Date.now,
      done: () => undefined,
    },
    hands,
  );
  expect(new Set(asked)).toEqual(new Set(['kubelet', 'etcd', 'front-proxy']));
  for (const [type, { fingerprint256 }] of wanted)
    expect(servedCa(cas, type)?.fingerprint256).toBe(fingerprint256);
});
