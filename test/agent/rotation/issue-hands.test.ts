import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { issueHands } from '../../../agent/rotation/issue-hands.ts';
import type { Believe } from '../../../src/certificates/issue.ts';
import { createHands } from '../../fakes/hands.ts';
import { createSigner } from '../../src/support/crl.ts';

const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
const [compared, served] = [await createSigner(EC), await createSigner(EC)];
const believe: Believe = (pem) => new X509Certificate(pem);
const markOf = (pem: string): string => new X509Certificate(pem).fingerprint256;

async function issuing() {
  const { hands, progress } = await createHands();
  const asked: string[] = [];
  const cluster = {
    roles: async () => await Promise.resolve([]),
    user: async () => await Promise.resolve(undefined),
    seeRegion: async () => {
      await Promise.resolve();
    },
    readCa: async (type: string, trust: Believe) => {
      asked.push(type);
      return await trust(served.pem);
    },
    sign: async () => await Promise.reject(new Error('nothing is signed here')),
  };
  const authorities = new Map([['kubernetes', compared.pem] as const]);
  const of = { authorities: [1, 2], requests: [1, 2, 3] };
  return { asked, progress, issue: issueHands(cluster, { authorities }, hands, of) };
}

test('continues with the CA that was compared, and fetches the others', async () => {
  const { asked, issue } = await issuing();
  expect((await issue.readCa('kubernetes', believe)).fingerprint256).toBe(markOf(compared.pem));
  expect(asked).toEqual([]);
  expect((await issue.readCa('etcd', believe)).fingerprint256).toBe(markOf(served.pem));
  expect(asked).toEqual(['etcd']);
});

test('verifies the compared CA again', async () => {
  const { issue } = await issuing();
  const refused = issue.readCa('kubernetes', () => {
    throw new Error('not believed');
  });
  await expect(refused).rejects.toThrow('not believed');
});

test('reports each part with the number of all of its kind', async () => {
  const { progress, issue } = await issuing();
  issue.done('ca', 'etcd');
  issue.done('key', 'server');
  issue.done('certificate', 'server');
  expect(progress).toEqual([
    { event: 'part', part: 'ca', name: 'etcd', of: 2 },
    { event: 'part', part: 'key', name: 'server', of: 3 },
    { event: 'part', part: 'certificate', name: 'server', of: 3 },
  ]);
});
