import { randomBytes, randomUUID } from 'node:crypto';
import { REGION, type Origins } from './catalog.ts';
import type { Action, Config, SignalTransport } from './deployment.ts';
import { createGeneration, serviceAccountParameters, type CaName, type Generation } from './generation.ts';
import { collectConfig, heatSection } from './metadata.ts';
import { heatParams, type Role } from './heat-params.ts';
import type { Domain, Identity, Project, Trust, User } from './identity.ts';
import type { KeyKind, KeyPool } from './key-pool.ts';
import type { ClusterRecord } from './magnum.ts';
import type { Objects } from './objects.ts';
import { STOCK_INPUTS, stockScript } from './stock-script.ts';
import { createStack, type Stack, type StackHands } from './stack.ts';
import { randomName, type PollTransport, type Server } from './stack-resource.ts';

export type ServerSpec = {
  name: string;
  role: Role;
  transport?: PollTransport;
  signalTransport?: SignalTransport;
  /** The group of its rotation deployment. */
  group?: string;
  actions?: readonly Action[];
  /** Inputs of its rotation in addition to Magnum's, each with the stack parameter of its value. */
  inputs?: Readonly<Record<string, string>>;
  /** Gives it an unmodified Magnum's own deployment; only one server of a cluster may have it. */
  stock?: boolean;
};

export type ClusterSpec = {
  name: string;
  tlsDisabled?: boolean;
  apiAddress?: string | null;
  servers: readonly ServerSpec[];
  /** The kind of its CAs' keys: Magnum's are RSA; EC keys are generated faster. */
  keys?: KeyKind;
  validityDays?: number;
  /** Validity of the certificates only. */
  leafDays?: number;
  subjectKeyId?: boolean;
  /** The delegated roles: `[trust] roles` of magnum.conf. By default all roles of the owner, as in Magnum. */
  trustRoles?: readonly string[];
};

export type Cluster = {
  readonly uuid: string;
  readonly name: string;
  readonly trustId: string;
  readonly trusteeUserId: string;
  readonly trusteePassword: string;
  readonly stack: Stack;
  /** `name/uuid`, as Heat writes it into a node's configuration. */
  readonly stackId: string;
  readonly record: ClusterRecord;
  readonly trust: Trust;
  /** The PEM of every CA, oldest generation first. */
  readonly generations: readonly Readonly<Record<CaName, string>>[];
  /** The CAs that Magnum serves and signs with. */
  readonly ca: Readonly<Record<CaName, string>>;
  /** The CAs before the last rotation. */
  readonly previousCa: Readonly<Record<CaName, string>> | undefined;
  /** Returns the content of a node's heat-params file. */
  heatParams(role: Role, extra?: Record<string, string>): Record<string, string>;
  /** Returns the configuration of a server's poller that asks Heat itself. */
  collectConfig(server: string): { collectors: string[]; heat: ReturnType<typeof heatSection> };
  /** Returns the configuration of a server's poller by its transport. */
  pollerConfig(server: string): Record<string, unknown>;
  /** Changes a server's transport, as an update of its stack does. */
  pollBy(server: string, transport: PollTransport): void;
};

export type ClusterHands = {
  identity: Identity;
  origins: Origins;
  objects: Objects;
  keys: KeyPool;
  owner: User;
  project: Project;
  domains: { heat: Domain; magnum: Domain };
  now: () => number;
} & Pick<StackHands, 'changed' | 'rollbackMs'>;

/** Makes a cluster with its CAs, trust and stack, like Magnum. */
export async function createCluster(spec: ClusterSpec, hands: ClusterHands): Promise<Cluster> {
  const { identity, origins, keys, owner, project, now } = hands;
  const uuid = randomUUID();
  const makeGeneration = async (): Promise<Generation> =>
    await createGeneration(keys, spec.keys ?? 'rsa', {
      name: spec.name,
      validityDays: spec.validityDays ?? 5 * 365,
      leafDays: spec.leafDays,
      now,
      subjectKeyId: spec.subjectKeyId ?? false,
    });
  let generation = await makeGeneration();
  const history = [generation];

  const trustee = identity.addUser(
    `${uuid}_${project.id}`,
    hands.domains.magnum,
    `p${randomBytes(13).toString('base64url')}`,
  );
  const roles = spec.trustRoles ?? identity.rolesOf(owner, project);
  const trust = identity.addTrust({ trustor: owner, trustee, project, roles });
  const stack = buildStack(spec, hands);

  const record: ClusterRecord = {
    uuid,
    name: spec.name,
    owner,
    trustee,
    project,
    stackId: stack.around.stackId,
    apiAddress: spec.apiAddress === undefined ? 'https://172.24.4.10:6443' : spec.apiAddress,
    tlsDisabled: spec.tlsDisabled ?? false,
    get status() {
      return stack.status;
    },
    get generation() {
      return generation;
    },
    rotate: async () => {
      const [next, parameters] = await Promise.all([makeGeneration(), serviceAccountParameters(keys)]);
      generation = next;
      history.push(next);
      stack.update(parameters);
    },
  };

  return {
    uuid,
    name: spec.name,
    stack,
    record,
    trust,
    trustId: trust.id,
    trusteeUserId: trustee.id,
    trusteePassword: trustee.password,
    stackId: `${stack.around.stackName}/${stack.around.stackId}`,
    get generations() {
      return history.map(pemOf);
    },
    get ca() {
      return pemOf(generation);
    },
    get previousCa() {
      const before = history.at(-2);
      return before && pemOf(before);
    },
    heatParams: (role, extra = {}) => {
      const facts = {
        clusterUuid: uuid,
        magnumUrl: `${origins.magnum}/v1`,
        authUrl: `${origins.keystone}/v3`,
        trusteeUserId: trustee.id,
        trusteePassword: trustee.password,
        trustId: trust.id,
        tlsDisabled: record.tlsDisabled,
        region: REGION,
      };
      const instance = spec.servers.find((server) => server.role === role)?.name ?? `${role}-0`;
      return heatParams(facts, role, `${spec.name}-${instance}`, extra);
    },
    collectConfig: (server) => ({
      collectors: ['heat', 'local'],
      heat: heatSection(stack, serverOf(stack, server)),
    }),
    pollerConfig: (server) => collectConfig(stack, serverOf(stack, server)),
    pollBy: (name, transport) => {
      const server = serverOf(stack, name);
      server.formerly = [...new Set([...server.formerly, server.transport])].filter(
        (one) => one !== transport,
      );
      server.transport = transport;
      hands.changed();
    },
  };
}

function serverOf(stack: Stack, name: string): Server {
  const server = stack.servers.get(name);
  if (!server) throw new Error(`no server ${name} in stack ${stack.around.stackName}`);
  return server;
}

const pemOf = (generation: Generation): Readonly<Record<CaName, string>> => ({
  kubernetes: generation.kubernetes.pem,
  etcd: generation.etcd.pem,
  'front-proxy': generation['front-proxy'].pem,
});

function buildStack(spec: ClusterSpec, hands: ClusterHands): Stack {
  const { identity, origins, objects, project, domains, now, changed, rollbackMs } = hands;
  const stackId = randomUUID();
  const userProject = identity.addProject(`${project.id}-${stackId}`, domains.heat);
  const around = {
    identity,
    origins,
    objects,
    now,
    project,
    userProject,
    userDomain: domains.heat,
    stackName: spec.name,
    stackId,
    createdAt: now(),
  };
  const stack = createStack({ around, changed, rollbackMs });
  const configName = `${spec.name}-config-${randomName()}`;
  const fleet: Stack['outputs'][string] = {};
  for (const server of spec.servers) {
    const name = server.stock === true ? 'upgrade_kubernetes_deployment' : `${server.name}-rotate`;
    stack.addServer(server.name, server.transport ?? 'POLL_SERVER_HEAT');
    if (server.stock !== true) fleet[server.name] = [name, 'coe_report'];
    stack.addResource({
      name,
      server: server.name,
      config:
        server.stock === true ? stockConfig(configName, server.role) : rotationConfigOf(configName, server),
      actions: server.actions ?? ['UPDATE'],
      transport: server.signalTransport ?? 'HEAT_SIGNAL',
      parameters: {
        kube_service_account_key_input: 'kube_service_account_key',
        kube_service_account_private_key_input: 'kube_service_account_private_key',
        ...(server.stock === true && STOCK_INPUTS),
        ...server.inputs,
      },
    });
  }
  if (Object.keys(fleet).length > 0) stack.outputs['coe_fleet'] = fleet;
  stack.created();
  return stack;
}

const rotationConfigOf = (name: string, { group = 'coe-rotate', inputs = {} }: ServerSpec): Config =>
  rotationConfig(name, group, Object.keys(inputs));

const stockConfig = (name: string, role: Role): Config => ({
  ...rotationConfig(name, 'script', Object.keys(STOCK_INPUTS)),
  config: stockScript(role),
  outputs: [],
});

const rotationConfig = (name: string, group: string, more: readonly string[]): Config => ({
  name,
  group,
  config: '',
  options: {},
  inputs: [
    { name: 'kube_service_account_key_input', default: '' },
    { name: 'kube_service_account_private_key_input', default: '' },
    ...more.map((input) => ({ name: input, default: '' })),
  ],
  outputs: [{ name: 'fingerprint' }, { name: 'coe_report' }],
});
