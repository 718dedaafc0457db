import type { Action, Config, Deployment, SignalTransport } from './deployment.ts';
import type { Stack } from './stack.ts';
import { randomName } from './stack-resource.ts';

/** A custom deployment; omitted fields are those of a plain `script` deployment. */
export type CustomDeployment = Partial<Config> & {
  /** The deployment resource: an existing one gets a new deployment, another one is added. */
  resource?: string;
  action?: Action;
  /** Input values by name. */
  values?: Record<string, unknown>;
  signalTransport?: SignalTransport;
  /** creation_time, in milliseconds since the epoch. */
  created?: number;
};

/** Adds a deployment to a server, for which its stack then waits. */
export function deployOn(stack: Stack, server: string, custom: CustomDeployment): Deployment {
  if (!stack.servers.has(server)) throw new Error(`no server ${server} in stack ${stack.around.stackName}`);
  const { resource: name = `custom-${randomName()}`, action = 'UPDATE', values = {}, created } = custom;
  const { signalTransport: transport = 'HEAT_SIGNAL', group = 'script', options = {} } = custom;
  const config: Config = {
    group,
    options,
    inputs: custom.inputs ?? [],
    outputs: custom.outputs ?? [],
    name: custom.name ?? `${stack.around.stackName}-${name}-${randomName()}`,
    config: custom.config ?? '',
  };
  const known = stack.resources.get(name);
  if (known) known.config = config;
  const resource =
    known ?? stack.addResource({ name, server, config, transport, actions: ['UPDATE'], parameters: {} });
  return stack.deploy(resource, action, values, created);
}
