import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startCloud, type Cloud } from '../../test/cloud/cloud.ts';
import type { Cluster } from '../../test/cloud/cluster.ts';
import { createNode, type TestNode } from '../../test/fakes/node.ts';
import { type AgentProcess, type LogLine, startAgent } from '../lib/agent-process.ts';

const execute = promisify(execFile);

/** A node and the operations on it. */
export type Actor = {
  name: string;
  layout: string;
  /** Its address in the cluster: its certificates name it, while its units listen on loopback. */
  address: string;
  node: TestNode;
  /** Its units in the order in which a rotation restarts them. */
  units: readonly string[];
  /** The units with a TLS port. */
  served: readonly string[];
  /** Starts the program, which is stopped with the node at the latest. */
  agent(args: readonly string[], onLog?: (line: LogLine) => void): AgentProcess;
  /** Starts its units, which need their certificates. */
  startUnits(): Promise<void>;
  close(): Promise<void>;
};

export type Stage = {
  root: string;
  cloud: Cloud;
  cluster: Cluster;
  master: Actor;
  worker: Actor;
  close(): Promise<void>;
};

const MASTER = {
  name: 'master-0',
  role: 'master',
  layout: 'kubernetes-certs',
  units: ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy'],
  served: ['etcd', 'kube-apiserver', 'kubelet'],
} as const;

const WORKER = {
  name: 'worker-0',
  role: 'worker',
  layout: 'kubernetes-pki',
  units: ['kubelet', 'kube-proxy'],
  served: ['kubelet'],
} as const;

type Part = typeof MASTER | typeof WORKER;

/** Makes the cloud, a cluster in it, and two nodes, all below one temporary folder. */
export async function setStage(): Promise<Stage> {
  const root = await mkdtemp(join(tmpdir(), 'coe-demo-'));
  // Nodes make their own folders in the temporary one.
  process.env['TMPDIR'] = root;
  const cloud = await startCloud();
  const cluster = await cloud.createCluster({ name: 'k1', servers: [MASTER, WORKER] });
  const master = await createActor(MASTER, cluster);
  const worker = await createActor(WORKER, cluster);
  const close = async (): Promise<void> => {
    await Promise.all([master.close(), worker.close()]);
    await cloud.close();
    await rm(root, { recursive: true, force: true });
  };
  return { root, cloud, cluster, master, worker, close };
}

async function createActor(part: Part, cluster: Cluster): Promise<Actor> {
  const { name, role, layout, units, served } = part;
  const heatParams = cluster.heatParams(role);
  const node = await createNode({
    role,
    layout,
    heatParams,
    collectConfig: cluster.collectConfig(name),
    keys: 'rsa-4096',
  });
  await furnish(node);
  const running = new Set<AgentProcess>();
  let closed = false;
  return {
    name,
    layout,
    address: heatParams['KUBE_NODE_IP'] ?? '127.0.0.1',
    node,
    units,
    served,
    agent: (args, onLog = () => undefined) => {
      if (closed) throw new Error(`${name} is gone`);
      const started = startAgent(node, args, onLog);
      running.add(started);
      return started;
    },
    startUnits: async () => {
      const systemctl = join(node.root, '/usr/bin/systemctl');
      await Promise.all(served.map(async (unit) => await execute(systemctl, ['restart', unit])));
    },
    close: async () => {
      closed = true;
      await Promise.all([...running].map(async (agent) => await agent.stop()));
      await node.close();
    },
  };
}

/** Adds the rest of a real node: users, directories in which its own user may write, and here frequent polls. */
async function furnish(node: TestNode): Promise<void> {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  await node.write(
    '/etc/passwd',
    `root:x:0:0::/:\nkube:x:${uid}:${gid}::/:\netcd:x:${uid}:${gid}::/:\n`,
    0o644,
  );
  await node.write('/etc/group', `root:x:0:\nkube_etcd:x:${gid}:\n`, 0o644);
  for (const directory of ['/etc/kubernetes/certs/front-proxy', '/etc/etcd/certs', '/etc/kubernetes/pki'])
    await mkdir(join(node.root, directory), { recursive: true });
  await node.configure({ poll: { min_seconds: 0.3, max_seconds: 0.6 } });
}
