import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:https';
import { once } from 'node:events';
import { openKubernetesWith } from '../../agent/compose/kubernetes.ts';
import { createClusterCa, fingerprintOf, type Leaf } from '../cluster/authority.ts';
import { createKubernetes } from '../fakes/kubernetes.ts';
import { KUBELET } from './kubernetes-bench.ts';
import { kubernetesContract } from './kubernetes.contract.ts';

kubernetesContract('the stand-in', async () => {
  const ca = createClusterCa('k1');
  const leaf = ca.issue([['CN', 'kubernetes']], ['127.0.0.1']);
  const fake = createKubernetes();
  fake.podsCa = ca.pem;
  const { privateKey: signer } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  fake.signer = signer;
  fake.clientCas = { 'client-ca-file': ca.pem, 'requestheader-client-ca-file': createClusterCa('k1').pem };
  fake.core.put('secrets', 'shop', 'other', { type: 'Opaque', data: { token: 'cGxhaW4=' } });
  fake.leaders.set('kube-controller-manager', 'm-0_5b2c7d6e');
  const server = createServer({ ...leaf, ca: ca.pem, requestCert: true }, fake.listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const open = (client: Leaf) =>
    openKubernetesWith(
      (http) => http,
      Date.now,
    )({
      host: '127.0.0.1',
      port,
      ca: ca.pem,
      presents: fingerprintOf(leaf.cert),
      client,
    });
  const admin = open(
    ca.issue([
      ['O', 'system:masters'],
      ['CN', 'admin'],
    ]),
  );
  const stranger = open(ca.issue([['CN', 'stranger']]));
  const proxy = open(
    ca.issue([
      ['O', 'system:node-proxier'],
      ['CN', 'system:kube-proxy'],
    ]),
  );
  const kubelet = open(ca.issue(KUBELET));
  const addNode = (name: string, labels: Readonly<Record<string, string>>): void => {
    fake.core.put('nodes', '', name, { metadata: { labels } });
  };
  addNode('worker-0', {});
  return {
    admin: admin.ask,
    stranger: stranger.ask,
    proxy: proxy.ask,
    kubelet: kubelet.ask,
    addNode: async (name, labels) => addNode(name, labels),
    add: async (kind, namespace, name, spec) => fake.add(kind, namespace, name, { ...spec }),
    forgetPlaces: async () => fake.forgetPlaces(),
    podsCa: ca.pem,
    serviceAccountKey: signer.export({ type: 'pkcs8', format: 'pem' }),
    addLegacyToken: async (namespace, name) => fake.addLegacyToken(namespace, name),
    addAccount: async (namespace, name) => fake.addAccount(namespace, name),
    accepts: async (token) =>
      fake.core
        .all('secrets')
        .some(({ object }) => JSON.stringify(object).includes(Buffer.from(token).toString('base64'))),
    leader: 'm-0',
    addPod: async (namespace, name, secret, phase = 'Running') =>
      fake.core.put('pods', namespace, name, {
        spec: { volumes: [{ name: 'token', secret: { secretName: secret } }] },
        status: { phase, startTime: '2026-11-28T11:00:00Z' },
      }),
    addDeletedPod: async (namespace, name, nodeName) =>
      fake.core.put('pods', namespace, name, {
        metadata: { uid: name, deletionTimestamp: '2026-11-28T11:00:30Z', deletionGracePeriodSeconds: 30 },
        spec: { nodeName },
      }),
    addEndpoints: async (addresses, apiPort) =>
      fake.core.put('endpoints', 'default', 'kubernetes', {
        subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ port: apiPort }] }],
      }),
    close: async () => {
      admin.close();
      stranger.close();
      proxy.close();
      kubelet.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
});
