import { isIPv6 } from 'node:net';
import { isObject } from '../base/json.ts';
import { flagsOf, type ProgramCommand } from './unit-command.ts';

/** The settings of a component, from its flags and its configuration file. An undefined field is not set there. */
export type Listening = {
  /** The TLS port; `none` if it has none. */
  tls?: Address | 'none' | undefined;
  /** The certificate file that it serves there. */
  certificate?: string | undefined;
  /** The address of its health endpoint. */
  health?: (Address & { isTls: boolean }) | 'none' | undefined;
  /** The kubeconfig with which it calls the Kubernetes API. */
  kubeconfig?: string | undefined;
  /** The lease that its leader renews. */
  lease?: Lease | undefined;
  /** The TLS address for its peers, and the files it uses as server and as client of peers. */
  peers?: Peers | undefined;
};

export type Address = { host: string; port: number };
export type Peers = Address & { certificate: string; key: string };
export type Lease = { namespace: string; name: string };

/** How to read the settings of one component: a row of the table below. */
type Component = {
  /** The path of its configuration file (YAML), from its flags and its environment. */
  configFile?: (said: Said) => string | undefined;
  listening: (said: Said) => Listening;
};

type Said = {
  /** The last value of this flag. */
  flag(name: string): string | undefined;
  /** A value of the configuration file, by its keys. */
  setting(...keys: string[]): string | undefined;
  variable(name: string): string | undefined;
};

/** The default ports are valid for every version that uses TLS there; none has changed since 1.13. */
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

/** The programs that this table covers. */
export const COMPONENT_NAMES: readonly string[] = Object.keys(COMPONENTS);

/** Returns the configuration file that a component names. */
export const configFileOf = (program: string, command: ProgramCommand): string | undefined =>
  COMPONENTS[program]?.configFile?.(saidBy(command, undefined)) || undefined;

/**
 * Returns where a component listens and which files it reads.
 *
 * @param config the parsed configuration file
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

/** Port 0 disables the listener. A wildcard address is reached on loopback. */
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
 * kube-controller-manager and kube-scheduler: their certificate is self-signed unless a flag names one, and a lease
 * tells which master leads. Up to 1.19, an annotation may replace the Lease (leadership.ts).
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

/** With a configuration file, etcd ignores its flags and its environment (etcd's "Configuration options"). */
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
