import type { Action, Config, Deployment, SignalTransport } from './deployment.ts';
import type { Stack } from './stack.ts';
import { randomName } from './stack-resource.ts';

/** A deployment of one's own making; what is left out is as a plain `script` deployment has it. */
export type CustomDeployment = Partial<Config> & {
  /** The deployment resource: a known one gets a new deployment, another one is added. */
  resource?: string;
  action?: Action;
  /** Input values by name. */
  values?: Record<string, unknown>;
  signalTransport?: SignalTransport;
  /** creation_time, in milliseconds since the epoch. */
  created?: number;
};

/** Puts a deployment on a server, which its stack then waits for. */
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
