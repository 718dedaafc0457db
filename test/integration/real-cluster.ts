import * as v from 'valibot';
import { createNode, type TestNode } from '../fakes/node.ts';
import { seed } from './real-cloud.ts';

/** A cluster of a real cloud, with a node for each of its servers. */
export type RealCluster = {
  uuid: string;
  stack: string;
  node(name: string): TestNode;
  /** The deployments in a node's ledger, oldest first. */
  deployments(name: string): Promise<v.InferOutput<typeof Status>['deployments']>;
  close(): Promise<void>;
};

const Status = v.object({
  deployments: v.array(
    v.object({
      state: v.string(),
      outcome: v.nullable(
        v.object({
          statusCode: v.number(),
          stdout: v.string(),
          stderr: v.string(),
          error: v.optional(
            v.object({ code: v.string(), reason: v.optional(v.string()), node: v.optional(v.string()) }),
          ),
        }),
      ),
    }),
  ),
});

/** Magnum's additional values in heat-params. */
const facts: Record<string, Record<string, string>> = {
  master: {
    NODEGROUP_ROLE: 'master',
    INSTANCE_NAME: 'k1-master-0',
    KUBE_NODE_IP: '10.0.0.5',
    KUBE_API_PUBLIC_ADDRESS: '172.24.4.10',
    KUBE_API_PRIVATE_ADDRESS: '10.0.0.4',
    PORTAL_NETWORK_CIDR: '10.254.0.0/16',
  },
  worker: {
    NODEGROUP_ROLE: 'worker',
    INSTANCE_NAME: 'k1-worker-0',
    KUBE_NODE_IP: '10.0.0.6',
    KUBE_API_PRIVATE_ADDRESS: '10.0.0.4',
  },
};

/**
 * Starts a master in make-cert.sh's layout and a worker in the user guide's, both with their first certificates.
 *
 * @param daemons whether a daemon runs on each; without them a test runs every pass itself
 */
export async function startRealCluster(name: string, keys: string, daemons = true): Promise<RealCluster> {
  const { cluster, stack, heat_params, servers } = await seed(`${name}-${Date.now().toString(36)}`);
  const nodes = new Map<string, TestNode>();
  const running: ReturnType<TestNode['start']>[] = [];
  for (const { name: server, role, os_collect_config } of servers) {
    const node = await createNode({
      role,
      layout: role === 'master' ? 'kubernetes-certs' : 'kubernetes-pki',
      heatParams: { ...heat_params, ...facts[role] },
      collectConfig: os_collect_config.heat && { heat: os_collect_config.heat },
      keys,
    });
    // The API of the node has no certificate before its first restart: the master could not ask whether it is alone.
    await node.configure({ rotation: { phase: 'all' } });
    nodes.set(server, node);
    const made = await node.agent('make-cert');
    if (made.code !== 0) throw new Error(`make-cert on ${server}: ${made.stdout}${made.stderr}`);
    if (daemons) running.push(node.start('run'));
  }
  const node = (wanted: string): TestNode => {
    const found = nodes.get(wanted);
    if (!found) throw new Error(`there is no node ${wanted}`);
    return found;
  };
  return {
    uuid: cluster.uuid,
    stack: stack.name,
    node,
    deployments: async (server) => {
      const { stdout } = await node(server).agent('status', '--json');
      return v.parse(Status, JSON.parse(stdout)).deployments;
    },
    close: async () => {
      for (const daemon of running) {
        const ended = new Promise((resolve) => daemon.once('close', resolve));
        if (daemon.kill('SIGTERM')) await ended;
      }
      for (const one of nodes.values()) await one.close();
    },
  };
}
