import type { Cluster } from '../../agent/hands.ts';
import { createCa, type TestCa } from '../src/support/openssl.ts';
import { leafOf } from '../src/support/tls-server.ts';
import { createHands, type HandsSpec, type TestHands } from './hands.ts';

/** The smallest node: of a Docker Swarm, with one CA, one certificate, and dockerd to restart. */
export type SwarmNode = TestHands & {
  /** The CA that the node trusts, and the one that Magnum serves. */
  former: TestCa;
  served: TestCa;
  /** The requests to Magnum. */
  asked: string[];
};

const PARAMS = {
  CLUSTER_UUID: 'c1',
  MAGNUM_URL: 'http://127.0.0.1:9511/v1',
  AUTH_URL: 'http://127.0.0.1:5000/v3',
  TRUSTEE_USER_ID: 'user',
  TRUSTEE_PASSWORD: 'trustee-password',
  TRUST_ID: 'trust',
  SWARM_NODE_IP: '10.0.0.7',
  SWARM_API_IP: '10.0.0.8',
  API_IP_ADDRESS: '172.24.4.8',
};

/** dockerd has no port in these tests; services/restart.ts probes ports. */
const CONFIG = [
  'services: { units: { etcd: { prove: false }, docker: { prove: false, health: false } }, settle_seconds: 0 }',
];

export const CA_FILE = '/etc/docker/ca.crt';
export const KEY_FILE = '/etc/docker/server.key';

export async function createSwarmNode(
  spec: HandsSpec & { params?: Record<string, string>; isCurrent?: boolean } = {},
): Promise<SwarmNode> {
  const former = await createCa();
  const served = spec.isCurrent === true ? former : await createCa();
  const leaf = await leafOf(former);
  const asked: string[] = [];
  const cluster: Cluster = {
    roles: async () => await Promise.resolve([]),
    user: async () => await Promise.resolve(undefined),
    seeRegion: async () => {
      await Promise.resolve(asked.push('region'));
    },
    readCa: async (type, believe) => {
      asked.push(`ca ${type}`);
      return await believe(served.pem);
    },
    sign: async (type, csr, believe) => {
      asked.push(`sign ${type}`);
      return await believe(await served.sign(csr));
    },
  };
  const params = Object.entries({ ...PARAMS, ...spec.params });
  const test = await createHands({
    units: ['docker'],
    ...spec,
    config: [...CONFIG, ...(spec.config ?? [])],
    files: {
      '/etc/sysconfig/heat-params': params.map(([key, value]) => `${key}="${value}"\n`).join(''),
      [CA_FILE]: former.pem,
      '/etc/docker/server.crt': leaf.certificate,
      [KEY_FILE]: leaf.key,
      ...spec.files,
    },
    over: { openCluster: async () => await Promise.resolve(cluster), ...spec.over },
  });
  return { ...test, former, served, asked };
}
