import { dirname, resolve } from 'node:path';
import * as v from 'valibot';
import { parse } from 'yaml';
import { certificatesOf, type Credentials } from '../../../scripts/load.d/credentials.ts';
import { failureOf } from '../../../scripts/load.d/outcome.ts';
import { send } from '../../../scripts/load.d/request.ts';
import { type Node, nodeFile, type ownerKubeconfig } from './magnum-cluster.ts';

/** The TLS ports of a stock node, by role, each with a path for known clients only. */
export const PORTS = {
  master: { 'kube-apiserver': 6443, kubelet: 10250, etcd: 2379 },
  worker: { kubelet: 10250 },
} as const;
const PATHS: Record<string, string> = { 'kube-apiserver': '/api', kubelet: '/pods', etcd: '/health' };

/** Returns the status that a client gets at a port, or the reason of a failure. */
export async function admission(
  host: string,
  port: number,
  credentials: Credentials,
  path: string,
  headers: Record<string, string> = {},
): Promise<string> {
  try {
    return String((await send({ name: host, host, port }, credentials, { path, headers })).status);
  } catch (error) {
    return failureOf(error).why;
  }
}

/** Returns the result of a client at each port of some nodes that requires its kind of certificate. */
export async function admissions(
  nodes: readonly Node[],
  client: { cert: string; key: string },
  components: readonly string[],
): Promise<Record<string, string>> {
  const told: Record<string, string> = {};
  for (const { name, address, role } of nodes)
    for (const [component, port] of Object.entries(PORTS[role]))
      if (components.includes(component))
        // Any server certificate is accepted here, because it is checked separately.
        told[`${component} on ${name}`] = await admission(
          address,
          port,
          { ...client, authorities: undefined },
          PATHS[component] ?? '/',
        );
  return told;
}

export const asClient = ({ cert, key }: Awaited<ReturnType<typeof ownerKubeconfig>>) => ({ cert, key });

const ByPath = v.object({
  clusters: v.tuple([
    v.object({ cluster: v.object({ server: v.string(), 'certificate-authority': v.string() }) }),
  ]),
  users: v.tuple([
    v.object({ user: v.object({ 'client-certificate': v.string(), 'client-key': v.string() }) }),
  ]),
});

/** Returns the API server's answer to a node's kubeconfig as it is, with its own CA. */
export async function admissionBy(node: Node, path: string): Promise<string> {
  const { clusters, users } = v.parse(ByPath, parse(await nodeFile(node, path)));
  const file = async (name: string) => await nodeFile(node, resolve(dirname(path), name));
  const { hostname, port } = new URL(clusters[0].cluster.server);
  const host = hostname === '127.0.0.1' ? node.address : hostname;
  const credentials = {
    authorities: certificatesOf(await file(clusters[0].cluster['certificate-authority'])),
    cert: await file(users[0].user['client-certificate']),
    key: await file(users[0].user['client-key']),
  };
  return await admission(host, Number(port), credentials, '/api');
}
