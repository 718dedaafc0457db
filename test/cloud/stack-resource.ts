import { randomBytes } from 'node:crypto';
import { REGION, type Origins } from './catalog.ts';
import {
  makeDeployment,
  type Action,
  type Config,
  type DeployInput,
  type Deployment,
  type DeploymentStatus,
  type SignalTransport,
} from './deployment.ts';
import type { Domain, Identity, Project, User } from './identity.ts';
import type { Objects } from './objects.ts';
import { createSigningKey, presign, type SigningKey } from './presigned.ts';

/** How a server's poller finds its metadata. */
export type PollTransport = 'POLL_SERVER_HEAT' | 'POLL_SERVER_CFN' | 'POLL_TEMP_URL' | 'ZAQAR_MESSAGE';

/** A server of a stack, with the stack-domain user whose credentials its poller has. */
export type Server = {
  name: string;
  id: string;
  /** The name of its queue, and of its container. */
  physicalName: string;
  user: User;
  pollingKey: SigningKey;
  transport: PollTransport;
  /** Its former transports. */
  formerly: PollTransport[];
};

export type ResourceSpec = {
  name: string;
  server: string;
  config: Config;
  actions: readonly Action[];
  transport: SignalTransport;
  /** Input names, each with the stack parameter of its value. */
  parameters: Record<string, string>;
};

/** A deployment resource: its user and signal address outlive its deployments. */
export type Resource = ResourceSpec & {
  serverId: string;
  /** The name of its queue, and of its object. */
  physicalName: string;
  user: User;
  signingKey: SigningKey;
  current:
    | {
        deployment: Deployment;
        status: DeploymentStatus;
        values: Record<string, unknown>;
        /** The time when it was handed out, from Heat's database; every answer is newer than a first one. */
        since: number;
      }
    | undefined;
  /** The output values of its signals. A value stays until a later deployment reports another one. */
  outputs: Record<string, unknown>;
  /** Set after an update has changed it, until a roll-back reverts that. */
  before: { values: Record<string, unknown> } | undefined;
};

export type Surroundings = {
  identity: Identity;
  origins: Origins;
  objects: Objects;
  now: () => number;
  stackName: string;
  stackId: string;
  /** The owner's project, and the stack's own in Heat's domain. */
  project: Project;
  userProject: Project;
  userDomain: Domain;
  createdAt: number;
};

/** Adds a stack-domain user, which may poll and signal. */
export function addStackUser(
  { identity, stackName, userDomain, userProject }: Surroundings,
  resource: string,
): User {
  const password = randomBytes(24).toString('base64url');
  const user = identity.addUser(`${stackName}-${resource}-${randomName()}`, userDomain, password);
  identity.grant(user, userProject, ['heat_stack_user']);
  return user;
}

/** The path where Heat looks for a TEMP_URL_SIGNAL. */
export const signalObject = ({ project, stackId }: Surroundings, { physicalName }: Resource): string =>
  `/v1/AUTH_${project.id}/${stackId}/${physicalName}`;

/** The tail of a physical resource name. */
export const randomName = (): string =>
  Array.from(randomBytes(12), (byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte % 32]).join('');

export const physicalNameOf = ({ stackName }: Surroundings, resource: string): string =>
  `${stackName}-${resource}-${randomName()}`;

export const createResource = (spec: ResourceSpec, serverId: string, around: Surroundings): Resource => ({
  ...spec,
  serverId,
  physicalName: physicalNameOf(around, spec.name),
  user: addStackUser(around, spec.name),
  signingKey: createSigningKey(),
  current: undefined,
  outputs: {},
  before: undefined,
});

/** Gives the resource's server a new deployment. */
export function deploy(
  resource: Resource,
  around: Surroundings,
  action: Action,
  values: Record<string, unknown>,
  created = around.now(),
): Deployment {
  const inputs = [
    ['deploy_server_id', 'ID of the server being deployed to', resource.serverId],
    ['deploy_action', 'Name of the current action being deployed', action],
    [
      'deploy_stack_id',
      'ID of the stack this deployment belongs to',
      `${around.stackName}/${around.stackId}`,
    ],
    ['deploy_resource_name', 'Name of this deployment resource in the stack', resource.name],
    [
      'deploy_signal_transport',
      'How the server should signal to heat with the deployment output values.',
      resource.transport,
    ],
    ...signalInputs(resource, around),
  ] as const satisfies DeployInput[];
  const deployment = makeDeployment(resource.config, values, inputs, created);
  // No signal will arrive, so Heat does not wait for it.
  const status = resource.transport === 'NO_SIGNAL' ? 'COMPLETE' : 'IN_PROGRESS';
  const since = action === 'CREATE' ? 0 : Math.round(around.now() / 1000) * 1000;
  resource.current = { deployment, status, values, since };
  return deployment;
}

function signalInputs(resource: Resource, around: Surroundings): DeployInput[] {
  const { origins, now, project, userProject, stackName, stackId } = around;
  if (resource.transport === 'NO_SIGNAL') return [];
  if (resource.transport === 'CFN_SIGNAL') {
    const target = { projectId: project.id, stackId: `${stackName}/${stackId}`, name: resource.name };
    const url = presign(origins.cfn, target, resource.signingKey, now());
    return [
      ['deploy_signal_id', 'ID of signal to use for signaling output values', url],
      ['deploy_signal_verb', 'HTTP verb to use for signaling output values', 'POST'],
    ];
  }
  if (resource.transport === 'TEMP_URL_SIGNAL') {
    const path = signalObject(around, resource);
    if (!around.objects.find(path)) around.objects.put(path, '');
    const url = around.objects.temporary(origins.swift, 'PUT', path);
    return [
      ['deploy_signal_id', 'ID of signal to use for signaling output values', url],
      ['deploy_signal_verb', 'HTTP verb to use for signaling output values', 'PUT'],
    ];
  }
  const queue: DeployInput[] =
    resource.transport === 'ZAQAR_SIGNAL'
      ? [['deploy_queue_id', 'ID of queue to use for signaling output values', resource.physicalName]]
      : [];
  return [
    ['deploy_auth_url', 'URL for API authentication', `${origins.keystone}/v3/`],
    ['deploy_username', 'Username for API authentication', resource.user.name],
    ['deploy_user_id', 'User ID for API authentication', resource.user.id],
    ['deploy_password', 'Password for API authentication', resource.user.password],
    ['deploy_project_id', 'ID of project for API authentication', userProject.id],
    ['deploy_region_name', 'Region name for API authentication', REGION],
    ...queue,
  ];
}
