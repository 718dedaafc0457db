import { createServer } from 'node:https';
import { once } from 'node:events';
import { openKubernetesWith } from '../../agent/compose/kubernetes.ts';
import { createClusterCa, fingerprintOf, type Leaf } from '../cluster/authority.ts';
import { createKubernetes } from '../fakes/kubernetes.ts';
import { kubernetesContract } from './kubernetes.contract.ts';

kubernetesContract('the stand-in', async () => {
  const ca = createClusterCa('k1');
  const leaf = ca.issue([['CN', 'kubernetes']], ['127.0.0.1']);
  const fake = createKubernetes();
  fake.podsCa = ca.pem;
  const server = createServer({ ...leaf, ca: ca.pem, requestCert: true }, fake.listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const open = (client: Leaf) =>
    openKubernetesWith((http) => http)({
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
  return {
    admin: admin.ask,
    stranger: stranger.ask,
    add: async (kind, namespace, name, spec) => fake.add(kind, namespace, name, { ...spec }),
    forgetPlaces: async () => fake.forgetPlaces(),
    podsCa: ca.pem,
    close: async () => {
      admin.close();
      stranger.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
});
