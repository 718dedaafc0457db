import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { withAddresses } from '../../../agent/pass/addresses.ts';
import { compose, type Instrument } from '../../../agent/compose.ts';
import { finish } from '../../../agent/pass/finish.ts';
import { CONFIG_PATH, loadConfig } from '../../../agent/config.ts';
import type { Hands } from '../../../agent/hands.ts';
import type { Progress } from '../../../agent/progress.ts';
import { readNode } from '../../../agent/node.ts';
import { newMemory, pass, type PassOptions, type PassResult } from '../../../agent/pass.ts';
import { outcomeOf } from '../../../agent/execution/ended.ts';
import { perform } from '../../../agent/execution/perform.ts';
import { planFirstCertificates } from '../../../agent/rotation/plan.ts';
import { createDisk } from '../../../src/base/real-disk.ts';
import { EVENTS } from '../../../agent/events.ts';
import { createLog } from '../../../src/base/log.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import type { Entry as LedgerEntry } from '../../../src/deployment/ledger.ts';
import { ROTATE_ALL } from '../../../src/operation/operation.ts';
import type { Cloud } from '../../cloud/cloud.ts';
import type { Cluster, ServerSpec } from '../../cloud/cluster.ts';
import type { ReceivedSignal } from '../../cloud/signals.ts';
import { askUnits, socketSystemctl } from '../../crash/socket-systemctl.ts';
import { type Entry, readTree } from '../../crash/tree.ts';
import { createNode, type LayoutName, type TestNode } from '../../fakes/node.ts';
import { NEVER } from '../../src/support/clock.ts';
import { fastClock, type FastClock } from './clock.ts';

// A rotation syncs a hundred times, and disk speed is irrelevant here.
if (existsSync('/dev/shm')) process.env['TMPDIR'] = '/dev/shm';

export type Role = 'master' | 'worker';

/** A node of a cluster with its first certificates, whose passes run in this process. */
export type Site = {
  cloud: Cloud;
  cluster: Cluster;
  node: TestNode;
  server: string;
  clock: FastClock;
  /** All log lines, at level debug, as JSON. */
  log: string[];
  progress: Progress[];
  /** Makes hands as a new start of the program does; they are closed with the test. */
  start(): Promise<Hands>;
  /** Runs one pass of a program that has just been started. */
  pass(options?: PassOptions): Promise<PassResult>;
  /** Every file below a folder of the node, with owner and mode. */
  files(folder?: string): Promise<Map<string, Entry>>;
  /** The signals that Heat received for this cluster, accepted or not. */
  signals(): ReceivedSignal[];
  ledger(): Promise<LedgerEntry[]>;
  /** The units that were restarted since the node was set up, in order. */
  restarts(): string[];
  /** Rewrites heat-params with these keys changed; undefined removes a key. */
  setParams(changes: Record<string, string | undefined>): Promise<void>;
};

export type SiteSpec = {
  role?: Role;
  layout?: LayoutName;
  server?: Partial<ServerSpec>;
  /** More servers of the stack, without a node. */
  others?: readonly ServerSpec[];
  /** Settings that override the test node's. */
  config?: Record<string, unknown>;
  params?: Record<string, string>;
  /** The environment of the program. */
  env?: NodeJS.ProcessEnv;
  /** Like a stock Magnum node, on a loopback address. */
  isStock?: boolean;
  /** Units without a port, in addition to the layout's. */
  moreUnits?: readonly string[];
  instrument?: Instrument;
  /** The roles that the trust delegates; by default all roles of the owner. */
  trustRoles?: readonly string[];
  /** The validity of the CAs and of the certificates that they sign, in days. */
  validity?: { validityDays?: number; leafDays?: number };
  /** The age of the node in milliseconds: its clock starts that long ago. */
  ageMs?: number;
  /** A server of an existing cluster. */
  of?: { cluster: Cluster; server: string };
  /** Without certificates. */
  bare?: boolean;
};

const USERS = 'root:x:0:0::/:/bin/sh\nkube:x:301:301::/:/bin/false\netcd:x:302:302::/:/bin/false\n';
const GROUPS = 'root:x:0:\nkube:x:301:\nkube_etcd:x:303:\n';
let made = 0;

export async function createSite(cloud: Cloud, spec: SiteSpec = {}): Promise<Site> {
  const { role = 'worker', layout = 'kubernetes-certs' } = spec;
  made += 1;
  const server = spec.of?.server ?? `${role}-0`;
  const cluster =
    spec.of?.cluster ??
    (await cloud.createCluster({
      name: `site${made}`,
      keys: 'ec',
      ...(spec.trustRoles && { trustRoles: spec.trustRoles }),
      ...spec.validity,
      servers: [{ name: server, role, ...spec.server }, ...(spec.others ?? [])],
    }));
  const given = { ...(spec.isStock && { KUBE_NODE_IP: '127.0.0.5' }), ...spec.params };
  let params: Record<string, string | undefined> = cluster.heatParams(role, given);
  const node = await createNode({
    role,
    layout,
    heatParams: cluster.heatParams(role, given),
    ...(spec.isStock && { isStock: true }),
    ...(spec.moreUnits && { moreUnits: spec.moreUnits }),
    collectConfig: cluster.collectConfig(server),
  });
  onTestFinished(node.close);
  await node.write('/etc/passwd', USERS, 0o644);
  await node.write('/etc/group', GROUPS, 0o644);
  if (spec.config) await node.configure(spec.config);

  const clock = fastClock();
  clock.jump(-(spec.ageMs ?? 0));
  const log: string[] = [];
  const progress: Progress[] = [];
  let restartedBefore = 0;
  const disk = createDisk(node.root);
  const socket = join(node.root, 'run/units.sock');

  const start = async (): Promise<Hands & { close(): void }> => {
    const secrets = createSecrets();
    const hands = await compose({
      config: await loadConfig(disk, CONFIG_PATH, () => undefined),
      root: node.root,
      env: spec.env ?? {},
      log: createLog({
        events: EVENTS,
        level: 'debug',
        style: 'json',
        secrets,
        write: (line) => log.push(line),
      }),
      secrets,
      progress: (event) => progress.push(event),
      instrument: { clock: () => clock, systemctl: () => socketSystemctl(socket), ...spec.instrument },
    });
    return hands;
  };
  const during = async <T>(work: (hands: Hands) => Promise<T>): Promise<T> => {
    const hands = await start();
    try {
      return await work(hands);
    } finally {
      hands.close();
    }
  };
  const site: Site = {
    cloud,
    cluster,
    node,
    server,
    clock,
    log,
    progress,
    start: async () => {
      const hands = await start();
      onTestFinished(hands.close);
      return hands;
    },
    pass: async (options) =>
      await during(async (hands) => await pass(hands, newMemory(), NEVER, { ...options })),
    files: async (folder = '/etc') => await readTree(node.root, folder),
    signals: () => cloud.signals.filter(({ stack }) => stack === cluster.name),
    ledger: async () => await during((hands) => Promise.resolve(hands.ledger.entries())),
    restarts: () => node.units.restarts.slice(restartedBefore),
    setParams: async (changes) => {
      params = { ...params, ...changes };
      const lines = Object.entries(params).map(([key, value]) =>
        value === undefined ? '' : `${key}="${value}"\n`,
      );
      await node.write('/etc/sysconfig/heat-params', lines.join(''));
    },
  };
  if (spec.bare !== true) {
    await during(firstCertificates);
    for (const unit of UNITS) await askUnits(socket, 'restart', unit);
    restartedBefore = node.units.restarts.length;
    log.length = 0;
    progress.length = 0;
  }
  return site;
}

/** The units of any node; missing ones are skipped. */
const UNITS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'docker',
];

/** Does the same as `agent make-cert`. */
async function firstCertificates(hands: Hands): Promise<void> {
  const node = await withAddresses(await readNode(hands), hands, NEVER);
  const plan = planFirstCertificates(ROTATE_ALL, node, hands.config);
  const runId = 'make-cert';
  await finish(runId, outcomeOf(await perform(plan, { runId, hands, abort: NEVER })), hands);
}
