import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { heatParamsText } from '../cloud/heat-params.ts';
import type { Seed } from '../integration/real-cloud.ts';
import { etcdUnit } from './etcd-unit.ts';
import { freePorts } from './free-ports.ts';
import { bootImage, type Image } from './image.ts';
import { type Machine, unitFile } from './machine.ts';

export const KUBERNETES_CERTS = '/etc/kubernetes/certs';

/** A server of a real Heat's stack, booted from the image. */
export type ImageNode = {
  name: string;
  machine: Machine;
  /** The loopback port of its etcd; only masters have one. */
  etcdPort: number;
  read(path: string): Promise<string>;
  /** A systemd property of a unit, by default the agent's. */
  property(name: string, unit?: string): Promise<string>;
  agent(...args: string[]): Promise<string>;
  /** The journal since the first boot, of the agent's units or of all units. */
  journal(...of: string[]): Promise<string>;
  eventually(what: string, holds: () => Promise<boolean>): Promise<void>;
};

/** Stand-ins for the units of Kubernetes. */
const STAND_INS = {
  master: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet'],
  worker: ['kubelet', 'kube-proxy'],
} as const;

/** A service that needs its certificate to start, records it, and can be delayed. */
const standIn = (name: string): string =>
  unitFile({
    Service: [
      'Type=exec',
      `ExecStartPre=/bin/sh -c "while [ -e /run/${name}-waits ]; do sleep 0.1; done"`,
      `ExecStart=/bin/sh -c "cat ${KUBERNETES_CERTS}/kubelet.key >/run/${name}-has && exec sleep infinity"`,
    ],
  });

/** A short watchdog and restart, so that a test can wait for them; the package's values are tested elsewhere. */
const IMPATIENT = '[Service]\nWatchdogSec=10s\nRestartSec=1s\n';

export async function bootNode(
  image: Image,
  { heat_params: params }: Seed,
  server: Seed['servers'][number],
): Promise<ImageNode> {
  const { name, role } = server;
  const [etcdPort = 0, peerPort = 0] = await freePorts(2);
  const unasked = { prove: false, health: false };
  const units: Record<string, unknown> = Object.fromEntries(STAND_INS[role].map((unit) => [unit, unasked]));
  const config = {
    collectors: ['heat'],
    heat: server.os_collect_config.heat,
    poll: { min_seconds: 0.2, max_seconds: 3 },
    keys: 'ec-p256',
    // No API of Kubernetes says which nodes there are.
    rotation: { phase: 'all' },
    services: {
      settle_seconds: 0.5,
      units:
        role === 'master'
          ? { ...units, etcd: { port: etcdPort, health: `https://127.0.0.1:${etcdPort}/health` } }
          : units,
    },
  };
  const facts = {
    ...params,
    NODEGROUP_ROLE: role,
    INSTANCE_NAME: `k1-${name}`,
    KUBE_NODE_IP: '127.0.0.1',
    KUBE_API_PRIVATE_ADDRESS: '10.0.0.4',
    PORTAL_NETWORK_CIDR: '10.254.0.0/16',
  };
  const system = '/etc/systemd/system';
  const started = [...STAND_INS[role], ...(role === 'master' ? ['etcd'] : [])];
  const wants: Record<string, string> = Object.fromEntries(
    started.map(
      (unit) => [`${system}/multi-user.target.wants/${unit}.service`, `../${unit}.service`] as const,
    ),
  );
  const machine = await bootImage(image, {
    files: {
      '/etc/sysconfig/heat-params': [heatParamsText(facts), 0o600],
      '/etc/coe-agent/agent.yaml': [stringify(config), 0o600],
      [`${system}/coe-agent.service.d/test.conf`]: [IMPATIENT, 0o644],
      ...Object.fromEntries(
        STAND_INS[role].map((unit) => [`${system}/${unit}.service`, [standIn(unit), 0o644] as const]),
      ),
      ...(role === 'master'
        ? { [`${system}/etcd.service`]: [unitFile(etcdUnit(etcdPort, peerPort)), 0o644] as const }
        : {}),
    },
    links: {
      ...wants,
      // The package's own unit would start on every node.
      ...(role === 'master' ? {} : { [`${system}/etcd.service`]: '/dev/null' }),
    },
  });
  const journal = async (...of: string[]): Promise<string> =>
    await machine.run('journalctl', '--no-pager', '-o', 'cat', ...of);
  const property = async (of: string, unit = 'coe-agent.service'): Promise<string> =>
    await machine.run('systemctl', 'show', '--value', `--property=${of}`, unit);
  return {
    name,
    machine,
    etcdPort,
    property,
    journal,
    read: async (path) => await machine.run('cat', path),
    agent: async (...args) => await machine.run('/usr/local/bin/agent', ...args),
    eventually: async (what, holds) => {
      const until = performance.now() + 180_000;
      while (!(await holds())) {
        if (performance.now() > until)
          throw new Error(`gave up waiting for ${what} on ${name}:\n${await journal('-u', 'coe-*')}`);
        await sleep(200);
      }
    },
  };
}
