import { generateKeyPairSync } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hands } from '../../../agent/hands.ts';
import { newMemory, pass, type PassResult } from '../../../agent/pass.ts';
import { settingsOf } from '../../../src/services/unit-settings.ts';
import type { Cloud } from '../../cloud/cloud.ts';
import { NEVER } from '../../src/support/clock.ts';
import { createSite, type Role, type Site, type SiteSpec } from './site.ts';

export const CERTS = '/etc/kubernetes/certs';
export const PUBLIC = `${CERTS}/service_account.key`;
export const PRIVATE = `${CERTS}/service_account_private.key`;
export const FIRST_TAG = 'v1.23.3-rancher1';

type Pair = { publicKey: string; privateKey: string };

/** A node of a cluster that an unmodified Magnum has made. */
export type StockSite = Site & {
  /** The service-account pair of the cluster's creation. */
  creation: Pair;
  /** The stack's current pair, in file format. */
  pair(): Pair;
  /** The answers to Magnum's own deployment, oldest first. */
  answers(): Record<string, unknown>[];
  /** Runs one pass on a node with heat-container-agent's container, running or stopped. */
  passBeside(unit?: string, over?: Partial<Hands>): Promise<PassResult>;
};

/** systemd's properties of the unit that Magnum's user data makes. */
export const CONTAINER_UNIT =
  'ExecStart={ path=/bin/podman ; argv[]=/bin/podman run --name heat-container-agent --privileged --net=host --volume /srv/magnum:/srv/magnum --volume /etc/:/etc/ --volume /var/lib:/var/lib --env REQUESTS_CA_BUNDLE=/etc/pki/tls/certs/ca-bundle.crt docker.io/openstackmagnum/heat-container-agent:victoria-stable-1 /usr/bin/start-heat-container-agent ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }';

/** Records its arguments, and runs the script with the variables that locate the node. */
const podmanOf = (root: string): string => `#!/bin/sh
printf '%s\\n' "$@" >>'${root}/podman-words'
for last; do :; done
COE_TEST_ROOT='${root}' exec /bin/bash "$last"
`;

/** As Magnum writes PEM into its inputs. */
export const oneLine = (pem: string): string => pem.replaceAll('\n', String.raw`\n`);
const asFile = (line: string | undefined): string => (line ?? '').replaceAll(String.raw`\n`, '\n');

export async function createStockSite(
  cloud: Cloud,
  role: Role = 'master',
  spec: SiteSpec = {},
): Promise<StockSite> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const creation = { publicKey, privateKey };
  const site = await createSite(cloud, {
    ...spec,
    role,
    server: { stock: true },
    params: {
      KUBE_TAG: FIRST_TAG,
      ...(role === 'master' && {
        KUBE_SERVICE_ACCOUNT_KEY: oneLine(publicKey),
        KUBE_SERVICE_ACCOUNT_PRIVATE_KEY: oneLine(privateKey),
      }),
      ...spec.params,
    },
  });
  const { node, cluster } = site;
  Object.assign(cluster.stack.parameters, {
    kube_tag: FIRST_TAG,
    kube_service_account_key: oneLine(publicKey),
    kube_service_account_private_key: oneLine(privateKey),
  });
  if (role === 'master') {
    await node.write(PUBLIC, publicKey, 0o440);
    await node.write(PRIVATE, privateKey, 0o440);
  }
  await node.write('/usr/bin/podman', podmanOf(node.root));
  await chmod(join(node.root, '/usr/bin/podman'), 0o755);
  const { parameters } = cluster.stack;
  return {
    ...site,
    creation,
    pair: () => ({
      publicKey: asFile(parameters['kube_service_account_key']),
      privateKey: asFile(parameters['kube_service_account_private_key']),
    }),
    answers: () =>
      site
        .signals()
        .filter(({ resource }) => resource === 'upgrade_kubernetes_deployment')
        .map(({ body }) => body ?? {}),
    passBeside: async (unit = CONTAINER_UNIT, over = {}) => {
      const hands: Hands = {
        ...(await site.start()),
        unitSettings: async (name) =>
          await Promise.resolve(settingsOf(name === 'heat-container-agent.service' ? unit : '')),
        ...over,
      };
      return await pass(hands, newMemory(), NEVER);
    },
  };
}

/** Gives the node's etcd a cluster with this many members. */
export async function joinEtcd(site: Site, members: number): Promise<void> {
  const { node } = site;
  const address = `https://127.0.0.1:${node.units.port('etcd')}`;
  await node.write(
    '/etc/etcd/etcd.conf.yaml',
    `name: "m0"\nlisten-peer-urls: "${address}"\nlisten-client-urls: "${address},http://127.0.0.1:2379"\n`,
  );
  answerMembers(site, members);
}

/** Sets what the node's etcd answers to its peers. */
export function answerMembers({ node }: Pick<Site, 'node'>, members: number): void {
  node.units.serve('etcd', (request, response) => {
    const list = Array.from({ length: members }, (_, index) => ({
      id: index + 1,
      peerURLs: [`https://10.0.0.${index + 5}:2380`],
      name: `m${index}`,
      clientURLs: [],
    }));
    const answers = new Map<string | undefined, unknown>([
      ['/members', list],
      ['/health', { health: 'true' }],
    ]);
    response
      .writeHead(answers.has(request.url) ? 200 : 404, { connection: 'close' })
      .end(JSON.stringify(answers.get(request.url) ?? {}));
  });
}
