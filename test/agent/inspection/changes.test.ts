import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { Cluster } from '../../../agent/hands.ts';
import { foreseeChanges } from '../../../agent/inspection/changes.ts';
import { createHands, type TestHands } from '../../fakes/hands.ts';
import { NEVER } from '../../src/support/clock.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { kubeconfigOf, SMALL } from '../../src/support/small-layout.ts';
import { createClusterCa, fingerprintOf } from '../../cluster/authority.ts';
import { nodeOf } from '../support/node.ts';

const [CA, CERT, KEY, CONFIG] = [
  '/etc/k/ca.crt',
  '/etc/k/server.crt',
  '/etc/k/server.key',
  '/etc/k/admin.conf',
];
const present = createClusterCa('k1');
const node = nodeOf('worker', {}, SMALL);

/** Makes a node of the small layout. @param asked receives each CA that Magnum is asked for */
async function createSmallNode(asked: string[] = []): Promise<TestHands & { secrets: string[] }> {
  const cluster: Cluster = {
    roles: async () => await Promise.resolve([]),
    user: async () => await Promise.resolve(undefined),
    seeRegion: async () => {
      await Promise.resolve();
    },
    readCa: async (type, believe) => {
      asked.push(type);
      return await believe(present.pem);
    },
    sign: async () => await Promise.reject(new Error('nothing is issued')),
  };
  const made = await createHands({ over: { openCluster: async () => await Promise.resolve(cluster) } });
  const [server, admin] = [present.issue([['CN', 'server']]), present.issue([['CN', 'admin']])];
  await made.write(CA, present.pem);
  await made.write(CERT, server.cert);
  await made.write(KEY, server.key);
  await made.write(CONFIG, kubeconfigOf(present.pem, { certificate: admin.cert, key: admin.key }));
  const secrets = [server.key, admin.key].map((pem) => pem.split('\n')[1] ?? '');
  return { ...made, secrets };
}
const foresee = async ({ hands }: TestHands) => await foreseeChanges(node, hands, NEVER);

test('foresees new certificates, keys and kubeconfigs, and keeps the CA; shows no key', async () => {
  const asked: string[] = [];
  const made = await createSmallNode(asked);
  const before = await made.files();
  const changes = await foresee(made);
  expect(new Set(changes.map(({ file }) => file))).toEqual(new Set([CERT, KEY, CONFIG]));
  expect(asked).toEqual([]);
  expect(await made.files()).toEqual(before);
  const shown = JSON.stringify(changes);
  for (const secret of [...made.secrets, ...made.secrets.map((one) => Buffer.from(one).toString('base64'))])
    expect(shown).not.toContain(secret);
});

test('each change is a unified diff of its file', async () => {
  for (const { file, lines } of await foresee(await createSmallNode()))
    expect(lines.slice(0, 2)).toEqual([`--- ${file}`, `+++ ${file}`]);
});

test('a file that is missing is created', async () => {
  const made = await createSmallNode();
  await rm(made.at(CERT));
  const change = (await foresee(made)).find(({ file }) => file === CERT);
  expect(change?.lines[0]).toBe('--- /dev/null');
});

test('asks Magnum for a CA whose file is lost, and creates it', async () => {
  const asked: string[] = [];
  const made = await createSmallNode(asked);
  await rm(made.at(CA));
  const changes = await foresee(made);
  expect(asked).toEqual(['kubernetes']);
  expect(changes.map(({ file }) => file)).toContain(CA);
});

test('treats a damaged CA file like a lost one', async () => {
  const asked: string[] = [];
  const made = await createSmallNode(asked);
  await made.write(CA, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  const changes = await foresee(made);
  expect(asked).toEqual(['kubernetes']);
  expect(changes.map(({ file }) => file)).toContain(CA);
});

test('puts the CA that signs the certificates first, and keeps the other one', async () => {
  const made = await createSmallNode();
  const other = createClusterCa('k1');
  await made.write(CA, other.pem + present.pem);
  const change = (await foresee(made)).find(({ file }) => file === CA);
  const after = (change?.lines ?? []).flatMap((line) => /^[ +]certificate (\w+)$/.exec(line)?.[1] ?? []);
  const marks = [present, other].map(({ pem }) => fingerprintOf(pem).replaceAll(':', '').toLowerCase());
  expect(after).toEqual(marks.map((mark) => mark.slice(0, 16)));
});

test('rejects a kubeconfig that cannot be renewed', async () => {
  const made = await createSmallNode();
  await made.write(CONFIG, 'users: [');
  const kubeconfigs = SMALL.kubeconfigs.map((row) => ({ ...row, create: false }));
  const fixed = nodeOf('worker', {}, { ...SMALL, kubeconfigs });
  expect(await faultIn(foreseeChanges(fixed, made.hands, NEVER))).toMatchObject({ code: 'bad-file' });
});
