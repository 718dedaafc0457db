import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { PROBES, probesFor } from '../../../agent/peers/probes.ts';
import type { Cluster } from '../../../agent/hands.ts';
import { clientsOf } from '../../../agent/peers/clients.ts';
import { canonicalCa } from '../../../src/certificates/trusted.ts';
import { subjectOf } from '../../../src/certificates/read.ts';
import { createCa } from '../../src/support/openssl.ts';
import { testHands } from '../support/hands.ts';
import { nodeOf } from '../support/node.ts';

/** Makes a master whose probes are signed by a Magnum with these CAs. */
async function setUp() {
  const test = await testHands();
  const [kubernetes, etcd] = [await createCa(), await createCa()];
  const caOf = (type: string) => (type === 'etcd' ? etcd : kubernetes);
  const signed: string[] = [];
  const cluster: Cluster = {
    roles: async () => await Promise.resolve([]),
    user: async () => await Promise.resolve(undefined),
    seeRegion: async () => {
      await Promise.resolve();
    },
    readCa: async (type, believe) => await believe(caOf(type).pem),
    sign: async (type, csr, believe) => {
      signed.push(canonicalCa(type));
      return await believe(await caOf(type).sign(csr));
    },
  };
  const node = nodeOf('master');
  const ask = async (cas: string, clients = clientsOf(node)) =>
    await probesFor(cas, clients, node, cluster, test.hands);
  return { ...test, ask, signed, kubernetes, etcd };
}

test("issues a client certificate of each CA, like those of the node's clients", async () => {
  const { ask, signed, kubernetes, etcd } = await setUp();
  const probes = await ask('a');
  expect(signed.toSorted()).toEqual(['etcd', 'kubernetes']);
  const [admin, member] = [probes.kubernetes, probes.etcd].map(
    (one) => new X509Certificate(one?.certificate ?? ''),
  );
  expect(admin && subjectOf(admin)).toContain('CN=admin, O=system:masters');
  expect(admin?.verify(new X509Certificate(kubernetes.pem).publicKey)).toBe(true);
  expect(member?.verify(new X509Certificate(etcd.pem).publicKey)).toBe(true);
});

test('keeps them for the same CAs, in a file that only root can read', async () => {
  const { ask, signed, disk } = await setUp();
  const first = await ask('a');
  expect(await ask('a')).toEqual(first);
  expect(signed).toHaveLength(2);
  expect((await disk.info(PROBES))?.mode).toBe(0o600);
});

test('issues others for other CAs, or if the record is damaged', async () => {
  const { ask, signed, write } = await setUp();
  const first = await ask('a');
  expect(await ask('b')).not.toEqual(first);
  await write(PROBES, 'junk');
  await ask('b');
  expect(signed).toHaveLength(6);
});

test('keeps their keys out of all output', async () => {
  const { ask, hands } = await setUp();
  const { kubernetes } = await ask('a');
  const body = (kubernetes?.key ?? '').split('\n').slice(1, -2).join('\n');
  expect(body).not.toBe('');
  expect(hands.secrets.redact(body)).not.toContain(body);
});

test('issues none of a CA of which the node has no client', async () => {
  const { ask, signed } = await setUp();
  expect(await ask('a', {})).toEqual({});
  expect(signed).toEqual([]);
});
