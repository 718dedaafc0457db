import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import * as v from 'valibot';
import { vi } from 'vitest';
import { parse } from 'yaml';
import { settledStatus } from '../../integration/real-cloud.ts';

/**
 * A cluster made by Magnum, which `scripts/cluster up` started in `COE_CLUSTER_STATE`, driven by the ordinary
 * `openstack` and `kubectl`, as by its owner.
 */

const SCRIPT = 'scripts/cluster';

/** The folder of `scripts/cluster`. */
export const clusterFolder = (): string => {
  const folder = process.env['COE_CLUSTER_STATE'];
  if (!folder)
    throw new Error('COE_CLUSTER_STATE names no cluster: scripts/cluster up --state DIR makes one');
  return folder;
};

export type Node = { readonly name: string; readonly address: string; readonly role: 'master' | 'worker' };

/** Runs a command in the environment of `scripts/cluster env`, and returns its output. */
async function withEnvironment(command: readonly string[], input = ''): Promise<string> {
  const script = 'eval "$("$0" env --state "$1")" && shift && exec "$@"';
  return (await execa('bash', ['-c', script, SCRIPT, clusterFolder(), ...command], { input })).stdout;
}

/** Runs `kubectl` as the cluster's owner, through the load balancer. */
export const kubectl = async (args: readonly string[], input = ''): Promise<string> =>
  await withEnvironment(['kubectl', ...args], input);

/** Runs the `openstack` client as the cluster's owner. */
export const openstack = async (...args: string[]): Promise<string> =>
  await withEnvironment(['openstack', ...args]);

/** Returns a variable of `scripts/cluster env`. */
export const variable = async (name: string): Promise<string> => await withEnvironment(['printenv', name]);

export const clusterName = async (): Promise<string> => await variable('COE_CLUSTER_NAME');

/** The nodes of the cluster, masters first. */
export async function nodes(): Promise<Node[]> {
  const pairs = (await variable('COE_CLUSTER_NODES')).split(' ');
  const found = pairs.map((pair): Node => {
    const [name = '', address = ''] = pair.split('=');
    return { name, address, role: name.includes('-master-') ? 'master' : 'worker' };
  });
  return found.sort((a, b) => a.role.localeCompare(b.role));
}

/** Runs a command in a node as root, and returns its output. */
export const onNode = async (node: Node, ...command: string[]): Promise<string> =>
  (await execa(SCRIPT, ['run', '--state', clusterFolder(), node.name, '--', ...command])).stdout;

/** Converts a path of a node to a path of this machine. */
export const nodeFolder = (node: Node, path: string): string =>
  join(clusterFolder(), 'nodes', node.name, 'root', path);

/** Reads a file of a node. */
export const nodeFile = async (node: Node, path: string): Promise<string> =>
  await readFile(nodeFolder(node, path), 'utf8');

/** The machines of the nodes, by the names of their control groups. */
export async function machineNames(): Promise<string[]> {
  const folder = join(clusterFolder(), 'nodes');
  const names = (await readdir(folder)).map(
    async (node) => await readFile(join(folder, node, 'name'), 'utf8'),
  );
  return (await Promise.all(names)).map((name) => name.trim());
}

/** Ends everything that belongs to the cluster; its folder stays, with the logs. */
export async function takeDown(): Promise<void> {
  await execa(SCRIPT, ['down', '--state', clusterFolder()]);
}

/** Replaces heat-container-agent by the agent of this checkout on every node, unless it already serves them. */
export async function installAgent(): Promise<void> {
  const enabled = (await nodes()).map(
    async (node) => await onNode(node, 'sh', '-c', 'systemctl is-enabled coe-agent || true'),
  );
  if ((await Promise.all(enabled)).every((is) => is === 'enabled')) return;
  await execa(SCRIPT, ['agent', '--state', clusterFolder()]);
}

const PHASE = '/etc/coe-agent/agent.d/20-phase.yaml';

/** Configures the phase of the rotations on every node, and starts the agents anew; undefined: each node decides. */
export async function configurePhase(phase: 'all' | undefined): Promise<void> {
  const change = phase === undefined ? `rm -f ${PHASE}` : `echo 'rotation: { phase: ${phase} }' >${PHASE}`;
  for (const node of await nodes())
    await onNode(node, 'sh', '-c', `${change} && systemctl restart coe-agent`);
}

/** Takes a node's power away, or boots it again. */
export async function power(node: Node, is: 'off' | 'on'): Promise<void> {
  await execa(SCRIPT, [is, '--state', clusterFolder(), node.name]);
}

/** The cluster's stack, which has the masters and the default workers. */
export const stackId = async (): Promise<string> =>
  await openstack('coe', 'cluster', 'show', await clusterName(), '-f', 'value', '-c', 'stack_id');

/**
 * Returns a reader of Heat's status of the cluster's stack, for an update that begins after this call. Magnum's status
 * is another one if it has several node groups, or if its trust is gone.
 */
export async function watchStack(): Promise<() => Promise<string>> {
  const stack = await stackId();
  const show = async (column: string): Promise<string> =>
    await openstack('stack', 'show', stack, '-f', 'value', '-c', column);
  const before = await show('updated_time');
  return async () =>
    (await show('updated_time')) === before ? 'UPDATE_IN_PROGRESS' : await show('stack_status');
}

/** A node's answer to a deployment. */
export type Answer = { readonly name: string; readonly statusCode: number; readonly stderr: string };

const Deployment = v.object({
  name: v.string(),
  inputs: v.array(v.object({ name: v.string(), value: v.unknown() })),
});
const Notification = v.object({ deploy_status_code: v.number(), deploy_stderr: v.string() });

/** Returns the answers of a node's heat-container-agent stand-in to the deployments of an action. */
export async function answers(node: Node, action: 'CREATE' | 'UPDATE'): Promise<Answer[]> {
  const folder = '/var/lib/heat-config/deployed';
  const json = async (file: string): Promise<unknown> => JSON.parse(await nodeFile(node, join(folder, file)));
  const found: Answer[] = [];
  for (const file of await readdir(nodeFolder(node, folder))) {
    if (!file.endsWith('.notify.json')) continue;
    const { name, inputs } = v.parse(Deployment, await json(file.replace('.notify', '')));
    if (!inputs.some((input) => input.name === 'deploy_action' && input.value === action)) continue;
    const { deploy_status_code: statusCode, deploy_stderr: stderr } = v.parse(Notification, await json(file));
    found.push({ name, statusCode, stderr });
  }
  return found;
}

const Params = v.object({ MAGNUM_URL: v.string(), CLUSTER_UUID: v.string() });
type Session = v.InferOutput<typeof Params> & { token: string };

async function logIn(): Promise<Session> {
  const [master] = await nodes();
  if (!master) throw new Error('the cluster has no nodes');
  const lines = (await nodeFile(master, '/etc/sysconfig/heat-params')).matchAll(/^(\w+)="(.*)"$/gm);
  const params = v.parse(Params, Object.fromEntries([...lines].map(([, key, value]) => [key, value])));
  return { ...params, token: await openstack('token', 'issue', '-f', 'value', '-c', 'id') };
}

let session: Promise<Session> | undefined;

/**
 * Calls Magnum as the cluster's owner, for repeated requests and for those without an `openstack` command. Each run of
 * that client takes two seconds of a core, which the cluster needs.
 */
async function askMagnum<const S extends v.GenericSchema>(
  path: (uuid: string) => string,
  schema: S,
): Promise<v.InferOutput<S>> {
  const { MAGNUM_URL: url, CLUSTER_UUID: uuid, token } = await (session ??= logIn());
  const headers = {
    'x-auth-token': token,
    'openstack-api-version': 'container-infra latest',
    connection: 'close',
  };
  // Magnum answers 503 if Keystone closes the connection during the token check.
  return await vi.waitFor(
    async () => {
      const answer = await fetch(`${url}${path(uuid)}`, { headers });
      if (!answer.ok) throw new Error(`Magnum says ${answer.status} to ${path(uuid)}`);
      return v.parse(schema, await answer.json());
    },
    { timeout: 60_000, interval: 1000 },
  );
}

export const clusterStatus = async (): Promise<string> =>
  (await askMagnum((uuid) => `/clusters/${uuid}`, v.object({ status: v.string() }))).status;

/** Makes Magnum replace the CAs of the cluster, and returns the resulting status. */
export async function rotate(statusNow = clusterStatus): Promise<string> {
  await openstack('coe', 'ca', 'rotate', await clusterName());
  return await settledStatus(statusNow, 1_500_000);
}

/** Returns the cluster's present CA of a kind. */
export const magnumCa = async (kind: string): Promise<string> =>
  (await askMagnum((uuid) => `/certificates/${uuid}?ca_cert_type=${kind}`, v.object({ pem: v.string() })))
    .pem;

export const clusterCa = async (): Promise<string> => await magnumCa('kubernetes');

const Asked = v.array(v.object({ inputs: v.array(v.object({ name: v.string(), value: v.unknown() })) }));

/** Returns the public service-account key in the deployments that Heat now has for a master. */
export async function sentServiceAccountKey(master: Node): Promise<string> {
  const folder = join(clusterFolder(), 'records', 'servers');
  for (const file of await readdir(folder)) {
    const { name } = v.parse(
      v.object({ name: v.string() }),
      JSON.parse(await readFile(join(folder, file), 'utf8')),
    );
    if (name !== master.name) continue;
    const show = ['software', 'deployment', 'metadata', 'show', file.replace('.json', '')];
    const inputs = v.parse(Asked, JSON.parse(await openstack(...show))).flatMap((asked) => asked.inputs);
    const sent = inputs.find((input) => input.name === 'kube_service_account_key_input');
    return v.parse(v.string(), sent?.value).replaceAll('\\n', '\n');
  }
  throw new Error(`no server is called ${master.name}`);
}

/** Makes Magnum write a new kubeconfig, with a client certificate of the present CA. */
export async function renewKubeconfig(): Promise<void> {
  await openstack('coe', 'cluster', 'config', await clusterName(), '--dir', clusterFolder(), '--force');
}

const Kubeconfig = v.object({
  clusters: v.tuple([
    v.object({ cluster: v.object({ server: v.string(), 'certificate-authority-data': v.string() }) }),
  ]),
  users: v.tuple([
    v.object({ user: v.object({ 'client-certificate-data': v.string(), 'client-key-data': v.string() }) }),
  ]),
});

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');

/**
 * The content of the owner's kubeconfig: the API's address (`host:port`), its CA, and a client's certificate and key.
 */
export async function ownerKubeconfig(): Promise<{ server: string; ca: string; cert: string; key: string }> {
  const { clusters, users } = v.parse(
    Kubeconfig,
    parse(await readFile(join(clusterFolder(), 'config'), 'utf8')),
  );
  const [{ cluster }] = clusters;
  const [{ user }] = users;
  return {
    server: new URL(cluster.server).host,
    ca: decode(cluster['certificate-authority-data']),
    cert: decode(user['client-certificate-data']),
    key: decode(user['client-key-data']),
  };
}
