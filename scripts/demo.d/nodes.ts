import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Cluster } from '../../test/cloud/cluster.ts';
import { type Client, knock, type Place, readClient, readDirectory, readKubeconfig } from './certificates.ts';
import type { Checks } from './checks.ts';
import type { Screen } from './screen.ts';
import type { Actor, Stage } from './stage.ts';

const CERTS = '/etc/kubernetes/certs';
const PKI = '/etc/kubernetes/pki';
const KUBELET_CONF = '/etc/kubernetes/kubelet.conf';

/** Reads every certificate of both nodes from disk. */
export async function readNodes({ master, worker }: Stage): Promise<Place[]> {
  return await Promise.all([
    readDirectory(master.node, master.name, CERTS, ['server', 'kubelet', 'admin']),
    readDirectory(master.node, master.name, '/etc/etcd/certs', ['server', 'admin']),
    readDirectory(master.node, master.name, `${CERTS}/front-proxy`, ['server', 'admin']),
    readDirectory(worker.node, worker.name, PKI, ['server']),
    readKubeconfig(worker.node, worker.name, KUBELET_CONF),
  ]);
}

const HEAD = ['NODE', 'FILES', 'CA', 'SERVER', 'KUBELET', 'ADMIN'];
const WIDTHS = [10, 35, 10, 10, 10, 10];

/** Prints the fingerprints as a table; those that are not in `before` are new. */
export function drawNodes(
  { line, paint }: Screen,
  places: readonly Place[],
  before: readonly Place[] = [],
): void {
  const known = new Set(before.flatMap((place) => all(place).map(({ fingerprint256 }) => fingerprint256)));
  const short = (certificate: X509Certificate | undefined): string => {
    const text = certificate?.fingerprint256.replaceAll(':', '').slice(0, 8).toLowerCase() ?? '';
    const padded = text.padEnd(10);
    return certificate && before.length > 0 && !known.has(certificate.fingerprint256)
      ? paint('green', padded)
      : padded;
  };
  line(
    `   ${paint(
      'dim',
      HEAD.map((text, column) => text.padEnd(WIDTHS[column] ?? 0))
        .join('')
        .trimEnd(),
    )}`,
  );
  for (const { node, path, ca, leaves } of places) {
    const prints = [ca, leaves.get('server'), leaves.get('kubelet'), leaves.get('admin')].map(short).join('');
    line(`   ${node.padEnd(10)}${path.padEnd(35)}${prints}`.trimEnd());
  }
}

const all = ({ ca, leaves }: Place): X509Certificate[] => [ca, ...leaves.values()];

/** Checks the files on the nodes: certificates of Magnum's present CAs, and no fault found by the agent. */
export async function checkFiles(stage: Stage, places: readonly Place[], { check }: Checks): Promise<void> {
  const { cluster, master, worker } = stage;
  for (const place of places) {
    const where = `${place.node}:${place.path}`;
    const current = new X509Certificate(caOf(cluster, place));
    check(`${where} holds the CA that Magnum serves`, place.ca.fingerprint256 === current.fingerprint256);
    for (const [name, leaf] of place.leaves)
      check(`${where}: ${name} is signed by that CA`, leaf.verify(current.publicKey));
  }
  const { key, leaves } = await readKubeconfig(worker.node, worker.name, KUBELET_CONF);
  check(
    `the key in ${KUBELET_CONF} fits`,
    leaves.get('server')?.checkPrivateKey(createPrivateKey(key)) ?? false,
  );
  const verdicts = await Promise.all(
    [master, worker].map(async (actor) => {
      const certs = actor.agent(['certs', '--json']);
      return { actor, code: await certs.ended, output: certs.output };
    }),
  );
  for (const { actor, code, output } of verdicts)
    check(`agent certs finds no fault on ${actor.name}: ${output}`, code === 0);
}

const caOf = ({ ca }: Cluster, { path }: Place): string =>
  path.includes('etcd') ? ca.etcd : path.includes('front-proxy') ? ca['front-proxy'] : ca.kubernetes;

/** Checks that every file differs from before. */
export function checkChanged(before: readonly Place[], after: readonly Place[], { check }: Checks): void {
  const old = new Set(before.flatMap(all).map(({ fingerprint256 }) => fingerprint256));
  for (const place of after)
    check(
      `everything in ${place.node}:${place.path} is new`,
      all(place).every(({ fingerprint256 }) => !old.has(fingerprint256)),
    );
}

/** Checks that the service-account keys on the master are those that Magnum sent through Heat. */
export async function checkServiceAccount({ cluster, master }: Stage, { check }: Checks): Promise<void> {
  const decode = (name: string): string =>
    cluster.stack.parameters[name]?.replaceAll(String.raw`\n`, '\n').trim() ?? '';
  const read = async (name: string): Promise<string> =>
    (await master.node.read(`${CERTS}/${name}.key`)).trim();
  check(
    'the new service-account key is there',
    (await read('service_account')) === decode('kube_service_account_key'),
  );
  check(
    'the new private service-account key is there',
    (await read('service_account_private')) === decode('kube_service_account_private_key'),
  );
}

/** Makes the client of a node's services from the node's own files. */
const clientOf = async ({ node, layout }: Actor, unit: string): Promise<Client> => {
  if (layout === 'kubernetes-pki') return await readClient(node, `${PKI}/server`, `${PKI}/ca.crt`);
  const directory = unit === 'etcd' ? '/etc/etcd/certs' : CERTS;
  return await readClient(node, `${directory}/admin`, `${directory}/ca.crt`);
};

export const readAdmin = async ({ master }: Stage): Promise<Client> =>
  await clientOf(master, 'kube-apiserver');

/** Checks that every TLS port serves clients with the node's certificates, and presents the certificate on disk. */
export async function checkPorts(actor: Actor, places: readonly Place[], { check }: Checks): Promise<void> {
  const onDisk = places.filter(({ node }) => node === actor.name).flatMap(all);
  for (const unit of actor.served) {
    const port = actor.node.units.port(unit);
    const { served, how, server } = await knock(port, await clientOf(actor, unit), actor.address);
    check(`${unit} on ${actor.name} serves its clients: ${how}`, served);
    check(
      `${unit} on ${actor.name} presents a certificate that is on its disk`,
      onDisk.some(({ fingerprint256 }) => fingerprint256 === server?.fingerprint256),
    );
  }
}
