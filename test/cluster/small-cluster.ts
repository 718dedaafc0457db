import { mkdir, readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { createClusterCa, type Leaf } from './authority.ts';
import { argumentsOf, type Component, COMPONENTS, PORTS, type SmallNode } from './components.ts';
import { ADMIN, type ClusterCas, newServiceAccountKeys, writeNodeFiles } from './node-files.ts';
import { type Process, startProcess } from './process.ts';
import { programIn } from './programs.ts';

/**
 * A real Kubernetes of one to three masters without a kubelet, on loopback addresses of its own. It serves tests of the
 * API and its certificates, and does not need root. scripts/cluster makes a whole one.
 */
export type SmallCluster = {
  readonly nodes: readonly SmallNode[];
  readonly cas: ClusterCas;
  readonly admin: Leaf;
  /** The certificate that a node's API server presents. */
  serving(node: SmallNode): Leaf;
  start(node: SmallNode, component: Component, more?: readonly string[]): Promise<void>;
  stop(node: SmallNode, component: Component, graceMs?: number): Promise<void>;
  hasEnded(node: SmallNode, component: Component): boolean;
  close(): Promise<void>;
};

const READY_MS = 120_000;
const nameOf = (node: SmallNode, component: Component): string => `${node.name}/${component}`;

export type SmallClusterOptions = {
  /** The folder of scripts/kubernetes. */
  programs: string;
  folder: string;
  masters?: number;
  components?: readonly Component[];
  /** Arguments in addition to a component's own. */
  more?: Partial<Record<Component, readonly string[]>>;
};

export async function startSmallCluster({
  programs,
  folder,
  masters = 1,
  components = COMPONENTS,
  more = {},
}: SmallClusterOptions): Promise<SmallCluster> {
  const cas = {
    kubernetes: createClusterCa('k1'),
    etcd: createClusterCa('k1'),
    frontProxy: createClusterCa('k1'),
  };
  const admin = cas.kubernetes.issue(ADMIN);
  // Any address of 127/8 exists; random networks keep several clusters apart.
  const network = `127.${20 + Math.floor(Math.random() * 200)}.${Math.floor(Math.random() * 250)}`;
  const nodes = Array.from({ length: masters }, (_, index) => ({
    name: `master-${index}`,
    address: `${network}.${10 + index}`,
    folder: join(folder, `master-${index}`),
  }));
  const keys = newServiceAccountKeys();
  const serving = new Map<SmallNode, Leaf>();
  for (const node of nodes) serving.set(node, await writeNodeFiles(node, cas, keys));
  const running = new Map<string, Process>();

  const cluster: SmallCluster = {
    nodes,
    cas,
    admin,
    serving: (node) => {
      const leaf = serving.get(node);
      if (!leaf) throw new Error(`no master ${node.name}`);
      return leaf;
    },
    start: async (node, component, also = []) => {
      const logs = join(node.folder, 'log');
      await mkdir(logs, { recursive: true });
      const args = [...argumentsOf(component, node, nodes), ...(more[component] ?? []), ...also];
      const child = startProcess(programIn(programs, component), args, join(logs, `${component}.log`));
      running.set(nameOf(node, component), child);
      await child.untilReady(async () => await answers(component, node), READY_MS);
    },
    stop: async (node, component, graceMs) => {
      await running.get(nameOf(node, component))?.stop(graceMs);
    },
    hasEnded: (node, component) => running.get(nameOf(node, component))?.hasEnded ?? true,
    close: async () => {
      await Promise.all([...running.values()].map(async (child) => await child.stop()));
    },
  };
  try {
    for (const component of components)
      await Promise.all(nodes.map(async (node) => await cluster.start(node, component)));
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

/** Checks the health of a component with its node's present files; tests check the presented certificate. */
async function answers(component: Component, { address, folder }: SmallNode): Promise<boolean> {
  switch (component) {
    case 'etcd':
      return (await fetch(`http://${address}:${PORTS.etcdPlain}/health`)).ok;
    case 'kube-apiserver':
      return await isOk(address, PORTS.api, '/readyz', {
        cert: await readFile(join(folder, 'admin.crt'), 'utf8'),
        key: await readFile(join(folder, 'admin.key'), 'utf8'),
      });
    case 'kube-controller-manager':
      return await isOk(address, PORTS.controllerManager, '/healthz', {});
    case 'kube-scheduler':
      return await isOk(address, PORTS.scheduler, '/healthz', {});
  }
}

const isOk = async (host: string, port: number, path: string, client: Partial<Leaf>): Promise<boolean> =>
  await new Promise((resolve, reject) => {
    const options = { host, port, path, agent: false, rejectUnauthorized: false, ...client };
    request(options, (response) => {
      response.resume().once('end', () => resolve(response.statusCode === 200));
    })
      .once('error', reject)
      .end();
  });
