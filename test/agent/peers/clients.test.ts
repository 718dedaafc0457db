import { expect, test } from 'vitest';
import { clientsOf, readClient } from '../../../agent/peers/clients.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { tempRoot } from '../../src/support/temp-root.ts';
import { newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

const KUBERNETES = '/etc/kubernetes/certs';
const master = nodeOf('master');

test('a master uses the certificates of its health checks, a worker that of its kubelet', () => {
  const { kubernetes, etcd } = clientsOf(master);
  expect(kubernetes?.ca).toBe(`${KUBERNETES}/ca.crt`);
  // system:masters: etcd's and the API server's checks ask with this identity.
  expect(kubernetes?.row.subject).toContainEqual(['O', 'system:masters']);
  expect(etcd?.ca).toBe('/etc/etcd/certs/ca.crt');
  expect(clientsOf(nodeOf('worker'))).toMatchObject({
    kubernetes: { certificate: `${KUBERNETES}/kubelet.crt`, key: `${KUBERNETES}/kubelet.key` },
  });
  expect(clientsOf(nodeOf('worker')).etcd).toBeUndefined();
});

test('a CA only in a file for one CA gives no client', () => {
  const authorities = master.layout.authorities.map((row) => ({ ...row, single: true }));
  expect(clientsOf(nodeOf('master', {}, { authorities }))).toEqual({});
});

test('reads certificate and key, and registers the key as secret', async () => {
  const { disk, write, read } = await tempRoot();
  const { kubernetes } = clientsOf(master);
  if (!kubernetes) throw new Error('a master has a client');
  const hands = { disk, secrets: createSecrets() };
  await writeCertificates(master, { write }, newGeneration());
  const key = await read(kubernetes.key);
  expect(await readClient(kubernetes, hands)).toEqual({
    certificate: await read(kubernetes.certificate),
    key,
  });
  expect(hands.secrets.redact(key.split('\n')[1] ?? '')).toBe('***');
  await disk.remove(kubernetes.key);
  expect(await readClient(kubernetes, hands)).toBeUndefined();
});
