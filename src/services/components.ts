import { isIPv6 } from 'node:net';
import { isObject } from '../base/json.ts';
import { flagsOf, type ProgramCommand } from './unit-command.ts';

/** What a component says of itself by its flags and its configuration file. A field that is undefined it leaves open. */
export type Listening = {
  /** The TLS port; `none`: it has none. */
  tls?: Address | 'none' | undefined;
  /** The certificate file that it presents there. */
  certificate?: string | undefined;
  /** Where it says whether it is well. */
  health?: (Address & { isTls: boolean }) | 'none' | undefined;
  /** The kubeconfig with which it asks the Kubernetes API. */
  kubeconfig?: string | undefined;
  /** What its leader renews. */
  lease?: Lease | undefined;
  /** Where its peers ask it over TLS, and the files with which it answers them, and asks them. */
  peers?: Peers | undefined;
};

export type Address = { host: string; port: number };
export type Peers = Address & { certificate: string; key: string };
export type Lease = { namespace: string; name: string };

/** How to read one component: a row of the table below. */
type Component = {
  /** Its configuration file (YAML), by its flags and its environment. */
  configFile?: (said: Said) => string | undefined;
  listening: (said: Said) => Listening;
};

type Said = {
  /** The last one of this name. */
  flag(name: string): string | undefined;
  /** A value of the configuration file, by its keys. */
  setting(...keys: string[]): string | undefined;
  variable(name: string): string | undefined;
};

/** Ports of a component's own defaults hold for every version that has TLS there: none has changed since 1.13. */
const COMPONENTS: Readonly<Record<string, Component>> = {
  'kube-apiserver': {
    listening: ({ flag }) => {
      const tls = addressOf(flag('bind-address'), flag('secure-port') ?? '6443');
      return { tls, certificate: flag('tls-cert-file'), health: overTls(tls) };
    },
  },
  'kube-controller-manager': { listening: (said) => leaderOf(said, 'kube-controller-manager', '10257') },
  'kube-scheduler': {
    configFile: ({ flag }) => flag('config'),
    listening: (said) => leaderOf(said, 'kube-scheduler', '10259'),
  },
  kubelet: {
    configFile: ({ flag }) => flag('config'),
    listening: ({ flag, setting }) => {
      const health = addressOf(
        flag('healthz-bind-address') ?? setting('healthzBindAddress') ?? '127.0.0.1',
        flag('healthz-port') ?? setting('healthzPort') ?? '10248',
      );
      return {
        tls: addressOf(flag('address') ?? setting('address'), flag('port') ?? setting('port') ?? '10250'),
        certificate: flag('tls-cert-file') ?? setting('tlsCertFile'),
        health: typeof health === 'object' ? { ...health, isTls: false } : health,
        kubeconfig: flag('kubeconfig'),
      };
    },
  },
  'kube-proxy': {
    configFile: ({ flag }) => flag('config'),
    listening: ({ flag, setting }) => ({
      tls: 'none',
      kubeconfig: setting('clientConnection', 'kubeconfig') ?? flag('kubeconfig'),
    }),
  },
  etcd: {
    configFile: ({ flag, variable }) => flag('config-file') ?? variable('ETCD_CONFIG_FILE'),
    listening: etcdOf,
  },
};

/** The programs that can be asked. */
export const COMPONENT_NAMES: readonly string[] = Object.keys(COMPONENTS);

/** The configuration file that a component names. */
export const configFileOf = (program: string, command: ProgramCommand): string | undefined =>
  COMPONENTS[program]?.configFile?.(saidBy(command, undefined)) || undefined;

/**
 * Where a component listens and what it reads.
 *
 * @param config what its configuration file holds
 */
export const listeningOf = (program: string, command: ProgramCommand, config: unknown): Listening =>
  COMPONENTS[program]?.listening(saidBy(command, config)) ?? {};

function saidBy({ args, environment }: ProgramCommand, config: unknown): Said {
  const flags = flagsOf(args);
  return {
    flag: (name) => flags.get(name),
    setting: (...keys) => textIn(config, keys),
    variable: (name) => environment.get(name),
  };
}

function textIn(config: unknown, keys: readonly string[]): string | undefined {
  let value = config;
  for (const key of keys) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

/** Port 0 turns it off. An address that stands for all of them is asked on loopback. */
function addressOf(host: string | undefined, port: string): Address | 'none' | undefined {
  const number = Number(port);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) return undefined;
  if (number === 0) return 'none';
  const bare = (host ?? '').replace(/^\[(.*)\]$/, '$1');
  if (bare === '' || bare === '0.0.0.0') return { host: '127.0.0.1', port: number };
  return { host: isIPv6(bare) && /^[0:]+$/.test(bare) ? '::1' : bare, port: number };
}

const overTls = (tls: Listening['tls']): Listening['health'] =>
  typeof tls === 'object' ? { ...tls, isTls: true } : tls;

/**
 * kube-controller-manager and kube-scheduler: their own certificate is self-signed unless a flag names one, and a lease
 * says which of the masters leads. Up to 1.19 it may be an annotation in place of a Lease (leadership.ts).
 */
function leaderOf({ flag, setting }: Said, program: string, port: string): Listening {
  const tls = addressOf(flag('bind-address'), flag('secure-port') ?? port);
  const elects = flag('leader-elect') ?? setting('leaderElection', 'leaderElect');
  return {
    tls,
    certificate: flag('tls-cert-file'),
    health: overTls(tls),
    kubeconfig: setting('clientConnection', 'kubeconfig') ?? flag('kubeconfig'),
    lease: /^(?:false|f|0)$/i.test(elects ?? '')
      ? undefined
      : {
          namespace:
            flag('leader-elect-resource-namespace') ??
            setting('leaderElection', 'resourceNamespace') ??
            'kube-system',
          name: flag('leader-elect-resource-name') ?? setting('leaderElection', 'resourceName') ?? program,
        },
  };
}

const addressIn = (url: URL | undefined): Listening['tls'] =>
  url && addressOf(url.hostname, url.port || (url.protocol === 'https:' ? '443' : '80'));

/** With a configuration file etcd ignores its flags and its environment (etcd's "Configuration options"). */
function etcdOf({ flag, setting, variable }: Said): Listening {
  const hasFile = (flag('config-file') ?? variable('ETCD_CONFIG_FILE')) !== undefined;
  const value = (name: string, ...keys: string[]): string | undefined =>
    hasFile
      ? setting(...(keys.length > 0 ? keys : [name]))
      : (flag(name) ?? variable(`ETCD_${name.toUpperCase().replaceAll('-', '_')}`));
  const urls = urlsIn(value('listen-client-urls') ?? 'http://localhost:2379');
  const secure = urls.find(({ protocol }) => protocol === 'https:');
  const plain = urls.find(({ protocol }) => protocol === 'http:');
  const [tls, other] = [addressIn(secure), addressIn(plain)];
  return {
    tls: tls ?? 'none',
    certificate: value('cert-file', 'client-transport-security', 'cert-file'),
    health: tls ? overTls(tls) : typeof other === 'object' ? { ...other, isTls: false } : other,
    peers: peersOf(value),
  };
}

function peersOf(value: (name: string, ...keys: string[]) => string | undefined): Listening['peers'] {
  const urls = urlsIn(value('listen-peer-urls') ?? '');
  const at = addressIn(urls.find(({ protocol }) => protocol === 'https:'));
  const certificate = value('peer-cert-file', 'peer-transport-security', 'cert-file');
  const key = value('peer-key-file', 'peer-transport-security', 'key-file');
  if (typeof at !== 'object' || certificate === undefined || key === undefined) return undefined;
  return { ...at, certificate, key };
}

const urlsIn = (list: string): URL[] => list.split(',').flatMap((text) => URL.parse(text.trim()) ?? []);
