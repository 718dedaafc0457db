import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { createKubernetes } from './kubernetes.ts';
import { startUnits, type Units, type UnitSpec } from './units.ts';
import { AGENT } from './program.ts';
import { stockUnits, writeStock } from './stock-node.ts';

export type Result = { code: number | null; stdout: string; stderr: string };

/** A node of a cluster: a folder as its root, stand-in units with real TLS ports, and the real agent. */
export type TestNode = {
  root: string;
  units: Units;
  /** The program's environment. */
  env: Record<string, string | undefined>;
  /** Runs the program on this node. */
  agent(...args: string[]): Promise<Result>;
  /** Starts the program without waiting; the caller ends it. */
  start(...args: string[]): ReturnType<typeof spawn>;
  read(path: string): Promise<string>;
  write(path: string, content: string | Uint8Array, mode?: number): Promise<void>;
  /** Merges settings into the node's configuration. */
  configure(settings: Record<string, unknown>): Promise<void>;
  close(): Promise<void>;
};

/** `registry` is docs/examples/layouts.d/registry.yaml. */
export type LayoutName = 'kubernetes-certs' | 'kubernetes-pki' | 'kubeadm' | 'swarm' | 'registry';

export type NodeSpec = {
  role: 'master' | 'worker';
  layout?: LayoutName;
  heatParams: Record<string, string>;
  /** The section `os-collect-config` that Heat gives the server, if it polls. */
  collectConfig?: { heat: Record<string, string> } | undefined;
  /** Key algorithm; EC keys are generated fastest. */
  keys?: string;
  /** The units are started as on a stock Magnum node, on KUBE_NODE_IP, and the configuration does not mention them. */
  isStock?: boolean;
  /** Units without a port that the configuration does not mention. */
  moreUnits?: readonly string[];
  /** Arguments of Node: the program from its sources, or for instance a built one. */
  program?: readonly string[];
};

/** Makes a node that is set up but has no certificates yet: `agent make-cert` makes them. */
export async function createNode(spec: NodeSpec): Promise<TestNode> {
  const root = await mkdtemp(join(tmpdir(), 'coe-node-'));
  const layout = spec.layout ?? 'kubernetes-certs';
  const at = (path: string): string => join(root, path);
  const write = async (path: string, content: string | Uint8Array, mode = 0o600): Promise<void> => {
    await mkdir(dirname(at(path)), { recursive: true });
    await writeFile(at(path), content, { mode });
  };
  const params = Object.entries(spec.heatParams).map(([key, value]) => `${key}="${value}"\n`);
  await write('/etc/sysconfig/heat-params', params.join(''));

  const { KUBE_NODE_IP: address = '127.0.0.1' } = spec.heatParams;
  const specs = spec.isStock ? stockUnits(unitsOf(layout, spec.role), address) : unitsOf(layout, spec.role);
  const more = Object.fromEntries((spec.moreUnits ?? []).map((unit) => [unit, undefined]));
  const units = await startUnits(root, { ...specs, ...more });
  // An empty API; a test may serve another.
  if (spec.role === 'master' && layout !== 'swarm' && layout !== 'registry')
    units.serve('kube-apiserver', createKubernetes().listener);
  const places = Object.entries(specs).map(([unit, served]) => {
    const health = units.health(unit);
    return [unit, served ? { host: '127.0.0.1', port: units.port(unit), health } : { health }] as const;
  });
  let config: Record<string, unknown> = {
    collectors: spec.collectConfig ? ['heat', 'local'] : ['local'],
    ...(spec.collectConfig ? { heat: spec.collectConfig.heat } : {}),
    poll: { min_seconds: 0.05, max_seconds: 0.2 },
    layout,
    // Nothing listens on the port of `discard`, so that a test reaches no service of this machine.
    ec2: { metadata_url: 'http://127.0.0.1:9/latest/meta-data' },
    keys: spec.keys ?? 'ec-p256',
    services: {
      deadline_seconds: 10,
      settle_seconds: 0,
      ...(spec.isStock ? {} : { units: Object.fromEntries(places) }),
    },
  };
  const saveConfig = async (): Promise<void> => {
    await write('/etc/coe-agent/agent.yaml', stringify(config));
  };
  await saveConfig();
  if (spec.isStock) await writeStock({ units, write }, spec.role, address);

  const env: TestNode['env'] = { PATH: process.env['PATH'] };
  const start = (...args: string[]): ReturnType<typeof spawn> =>
    spawn(process.execPath, [...(spec.program ?? AGENT), ...args, '--root', root], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
  return {
    root,
    units,
    env,
    start,
    agent: async (...args) =>
      await new Promise((resolve, reject) => {
        const child = start(...args);
        let stdout = '';
        let stderr = '';
        child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
        child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
        child.on('error', reject);
        child.on('close', (code) => {
          resolve({ code, stdout, stderr });
        });
      }),
    read: async (path) => await readFile(at(path), 'utf8'),
    write,
    configure: async (settings) => {
      config = { ...config, ...settings };
      await saveConfig();
    },
    close: async () => {
      await units.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** The files that each unit serves with; units without a port only restart. */
function unitsOf(layout: LayoutName, role: 'master' | 'worker'): Record<string, UnitSpec> {
  if (layout === 'swarm')
    return { docker: { ...files('/etc/docker/server', '/etc/docker/ca.crt'), healthOnTls: true } };
  if (layout === 'registry')
    return {
      registry: { ...files('/etc/registry/tls/server', '/etc/registry/tls/ca.crt'), healthOnTls: true },
      'registry-gc': undefined,
    };
  if (layout === 'kubeadm') {
    const pki = '/etc/kubernetes/pki';
    const kubelet = files('/var/lib/kubelet/pki/kubelet', `${pki}/ca.crt`);
    if (role === 'worker') return { kubelet };
    return {
      etcd: { ...files(`${pki}/etcd/server`, `${pki}/etcd/ca.crt`), healthOnTls: true },
      'kube-apiserver': { ...files(`${pki}/apiserver`, `${pki}/ca.crt`), healthOnTls: true },
      'kube-controller-manager': undefined,
      'kube-scheduler': undefined,
      kubelet,
    };
  }
  const [kubeCa, etcdCa] = ['/etc/kubernetes/certs/ca.crt', '/etc/etcd/certs/ca.crt'];
  if (layout === 'kubernetes-pki') {
    const kubelet = files('/etc/kubernetes/pki/server', '/etc/kubernetes/pki/ca.crt');
    if (role === 'worker') return { kubelet, 'kube-proxy': undefined };
    return {
      'kube-apiserver': { ...kubelet, healthOnTls: true },
      'kube-controller-manager': undefined,
      kubelet,
      'kube-proxy': undefined,
    };
  }
  const kubelet = files('/etc/kubernetes/certs/kubelet', kubeCa);
  if (role === 'worker') return { kubelet, 'kube-proxy': undefined };
  return {
    etcd: { ...files('/etc/etcd/certs/server', etcdCa), healthOnTls: true },
    'kube-apiserver': { ...files('/etc/kubernetes/certs/server', kubeCa), healthOnTls: true },
    'kube-controller-manager': undefined,
    'kube-scheduler': undefined,
    kubelet,
    'kube-proxy': undefined,
  };
}

const files = (stem: string, ca: string): Exclude<NonNullable<UnitSpec>, string> => ({
  certificate: `${stem}.crt`,
  key: `${stem}.key`,
  ca,
});
