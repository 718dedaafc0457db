import type { Origins } from './catalog.ts';
import { createCfn } from './cfn.ts';
import { createCluster, type Cluster, type ClusterSpec } from './cluster.ts';
import { deployOn, type CustomDeployment } from './custom-deployment.ts';
import type { Deployment } from './deployment.ts';
import type { Service } from './exchange.ts';
import { createFaults, type ActiveFault, type Fault } from './faults.ts';
import { createHeat } from './heat.ts';
import { createIdentity, type Domain, type Identity, type Project, type User } from './identity.ts';
import { createKeyPool } from './key-pool.ts';
import { createKeystone } from './keystone.ts';
import { listen } from './listen.ts';
import { createMagnum } from './magnum.ts';
import type { Release } from './magnum-policy.ts';
import { createExchange } from './heat-exchange.ts';
import { createObjects, type Objects } from './objects.ts';
import { createQueues, type Queues } from './queues.ts';
import { rotateCa } from './rotate-ca.ts';
import type { Handler } from './router.ts';
import type { ReceivedSignal } from './signals.ts';
import type { StackStatus } from './stack.ts';
import { createSwift } from './swift.ts';
import { createServerCertificate } from './tls.ts';
import { createWaiting } from './waiting.ts';
import { createZaqar } from './zaqar.ts';
import { startZaqarSocket, type ZaqarSocket } from './zaqar-socket.ts';

export type CloudOptions = {
  /** HTTPS on all services, with a CA of its own: `caPem`. */
  tls?: boolean;
  tokenLifetimeMs?: number;
  /** Time from a failure to Heat's roll-back, in milliseconds. */
  rollbackMs?: number;
  now?: () => number;
  /** The release whose policy Magnum has; default 2025.1. */
  release?: Release;
};

/** `path` includes the query; `status` is 0 if there was no answer. */
export type LoggedRequest = { service: Service; method: string; path: string; status: number };

export type Cloud = {
  readonly authUrl: string;
  readonly heatUrl: string;
  readonly cfnUrl: string;
  readonly magnumUrl: string;
  readonly caPem: string | undefined;
  readonly identity: Identity;
  /** The owner of every cluster, with the project. */
  readonly owner: User;
  readonly project: Project;
  readonly requests: readonly LoggedRequest[];
  readonly signals: readonly ReceivedSignal[];
  readonly queues: Queues;
  readonly zaqarSocket: ZaqarSocket;
  readonly objects: Objects;
  createCluster(spec: ClusterSpec): Promise<Cluster>;
  /** Runs `openstack coe ca rotate` as the owner, or as another user of the project. Throws if it is rejected. */
  rotateCa(cluster: Cluster, as?: User): Promise<void>;
  deploy(cluster: Cluster, server: string, deployment: CustomDeployment): Deployment;
  stackStatus(cluster: Cluster): StackStatus;
  clusterStatus(cluster: Cluster): string;
  /** Waits until the stack is idle, and returns its status. */
  settled(cluster: Cluster, timeoutMs?: number): Promise<StackStatus>;
  /** Resolves when the condition holds; checks it after every request and every change of a stack. */
  until(condition: () => boolean, timeoutMs?: number): Promise<void>;
  fault(fault: Fault): ActiveFault;
  clearFaults(): void;
  /** Revokes all tokens; new logins work. */
  revokeTokens(): void;
  deleteTrust(cluster: Cluster): void;
  /** Takes a delegated role from the trustor: the trust still exists, but fails. */
  breakTrust(): void;
  mendTrust(): void;
  close(): Promise<void>;
};

const WAIT_MS = 20_000;
const ROLES = ['admin', 'member', 'reader'] as const;

/** Starts a working Keystone, Heat and Magnum on free loopback ports. */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const { now = Date.now, tokenLifetimeMs = 3_600_000, rollbackMs = 5, release = '2025.1' } = options;
  const keys = createKeyPool();
  const tls = options.tls ? await createServerCertificate(keys, now) : undefined;
  const { changed, until } = createWaiting();
  const faults = createFaults();
  const requests: LoggedRequest[] = [];
  const signals: ReceivedSignal[] = [];
  const clusters: Cluster[] = [];
  const queues = createQueues({ now });
  const objects = createObjects({ now });

  const identity = createIdentity({ now, tokenLifetimeMs });
  const domains = { heat: domain('heat'), magnum: domain('magnum') };
  const project = identity.addProject('admin', domain('Default'));
  const owner = identity.addUser('admin', project.domain, 'secret');
  identity.grant(owner, project, ROLES);

  const logRequest = (entry: LoggedRequest): void => {
    requests.push(entry);
    changed();
  };
  const handlers = new Map<Service, Handler>();
  const open = async (service: Service) => {
    // A request needs the address, and the handler exists by then.
    const handler: Handler = async (request) => await (handlers.get(service) ?? unready)(request);
    return await listen({ service, now, tls, faults, log: logRequest }, handler);
  };
  const zaqarSocket = await startZaqarSocket({ identity, queues, tls, changed });
  const listeners = await Promise.all([
    open('keystone'),
    open('heat'),
    open('cfn'),
    open('magnum'),
    open('zaqar'),
    open('swift'),
  ]);
  const [keystone, heat, cfn, magnum, zaqar, swift] = listeners;
  const origins: Origins = {
    keystone: keystone.origin,
    heat: heat.origin,
    cfn: cfn.origin,
    magnum: magnum.origin,
    zaqar: zaqar.origin,
    swift: swift.origin,
    zaqarSocket: zaqarSocket.origin,
  };

  const log = (signal: ReceivedSignal): void => void signals.push(signal);
  const stacks = () => clusters.map(({ stack }) => stack);
  const exchange = createExchange({ stacks, queues, objects, log });
  queues.onPost(exchange);
  objects.onPut(exchange);
  const stackChanged = (): void => {
    exchange();
    changed();
  };
  const records = () => clusters.map(({ record }) => record);
  handlers.set('keystone', createKeystone({ identity, origins }));
  handlers.set('heat', createHeat({ identity, origins, stacks, log }));
  handlers.set('cfn', createCfn({ stacks, log }));
  handlers.set('zaqar', createZaqar({ identity, origins, queues }));
  handlers.set('swift', createSwift({ objects }));
  handlers.set('magnum', createMagnum({ identity, origins, clusters: records, release }));

  const urls = {
    authUrl: `${origins.keystone}/v3`,
    heatUrl: `${origins.heat}/v1`,
    cfnUrl: `${origins.cfn}/v1`,
    magnumUrl: `${origins.magnum}/v1`,
    caPem: tls?.caPem,
  };
  return {
    ...urls,
    identity,
    owner,
    project,
    requests,
    signals,
    queues,
    zaqarSocket,
    objects,
    createCluster: async (spec) => {
      const hands = {
        identity,
        origins,
        objects,
        keys,
        owner,
        project,
        domains,
        now,
        changed: stackChanged,
        rollbackMs,
      };
      const cluster = await createCluster(spec, hands);
      clusters.push(cluster);
      stackChanged();
      return cluster;
    },
    rotateCa: async (cluster, as = owner) => await rotateCa(urls, as, project.name, cluster.uuid),
    deploy: ({ stack }, server, deployment) => deployOn(stack, server, deployment),
    stackStatus: ({ stack }) => stack.status,
    clusterStatus: ({ record }) => record.status,
    settled: async ({ name, stack }, timeoutMs = WAIT_MS) => {
      await until(() => !stack.status.endsWith('_IN_PROGRESS'), `stack ${name} coming to rest`, timeoutMs);
      return stack.status;
    },
    until: async (condition, timeoutMs = WAIT_MS) =>
      await until(condition, 'waiting for the cloud', timeoutMs),
    fault: faults.add,
    clearFaults: faults.clear,
    revokeTokens: identity.revokeAll,
    deleteTrust: ({ trustId }) => identity.deleteTrust(trustId),
    breakTrust: () => identity.grant(owner, project, ROLES.slice(1)),
    mendTrust: () => identity.grant(owner, project, ROLES),
    close: async () => {
      for (const { stack } of clusters) stack.close();
      await Promise.all([...listeners, zaqarSocket].map(async (listener) => await listener.close()));
    },
  };
}

const domain = (name: string): Domain => ({ id: name.toLowerCase(), name });

const unready: Handler = () => Promise.reject(new Error('the service has not been started yet'));
