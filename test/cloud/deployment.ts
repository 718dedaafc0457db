import { randomUUID } from 'node:crypto';
import { isObject, isoSeconds } from './exchange.ts';

export type SignalTransport = 'HEAT_SIGNAL' | 'CFN_SIGNAL' | 'TEMP_URL_SIGNAL' | 'ZAQAR_SIGNAL' | 'NO_SIGNAL';
export type Action = 'CREATE' | 'UPDATE' | 'DELETE' | 'SUSPEND' | 'RESUME';

export type Input = { name: string; type?: string; description?: string; default?: unknown; value?: unknown };
export type Output = { name: string; type?: string; description?: string; error_output?: boolean };

/** The content of a software config. */
export type Config = {
  /** The name of the config, by which Heat sorts a server's deployments. */
  name: string;
  group: string;
  config: unknown;
  inputs: Input[];
  outputs: Output[];
  options: Record<string, unknown>;
};

/** A deployment as in a server's metadata. */
export type Deployment = Config & { id: string; creation_time: string };

export type DeploymentStatus = 'IN_PROGRESS' | 'COMPLETE' | 'FAILED';

export type DeployInput = readonly [name: string, description: string, value: string];

/** Makes a deployment from a config with its values, followed by Heat's own inputs, under a new id. */
export function makeDeployment(
  config: Config,
  values: Record<string, unknown>,
  deployInputs: readonly DeployInput[],
  created: number,
): Deployment {
  const inputs = config.inputs.map(({ name, description = '', type = 'String', ...rest }) => ({
    name,
    description,
    type,
    ...rest,
    value: values[name] ?? rest.value ?? rest.default ?? '',
  }));
  const outputs = config.outputs.map(
    ({ name, description = '', type = 'String', error_output: error = false }) => ({
      name,
      description,
      type,
      error_output: error,
    }),
  );
  const own = deployInputs.map(([name, description, value]) => ({
    name,
    description,
    type: 'String',
    value,
  }));
  return {
    id: randomUUID(),
    name: config.name,
    group: config.group,
    creation_time: isoSeconds(created),
    config: config.config,
    inputs: [...inputs, ...own],
    outputs,
    options: config.options,
  };
}

/**
 * Returns the effect of a signal on a deployment in progress. A body that is not an object counts as empty, and a
 * missing status code as success; an output marked `error_output` fails it by its presence.
 */
export function outcomeOf(outputs: readonly Output[], body: unknown): 'COMPLETE' | 'FAILED' {
  const details = isObject(body) ? body : {};
  const code = details['deploy_status_code'];
  // Python's truth: 0, '' and null are not a code.
  if (code !== undefined && code !== null && code !== '' && JSON.stringify(code) !== '"0"' && code !== 0)
    return 'FAILED';
  return outputs.some((output) => output.error_output === true && output.name in details)
    ? 'FAILED'
    : 'COMPLETE';
}

/** Outputs of every deployment, declared or not. */
const ALWAYS = ['deploy_stdout', 'deploy_stderr', 'deploy_status_code'];

/** Returns the output values of a deployment after a signal: the declared ones that it has, and Heat's own. */
export function outputsOf(
  outputs: readonly Output[],
  before: Readonly<Record<string, unknown>>,
  body: unknown,
): Record<string, unknown> {
  const details = isObject(body) ? body : {};
  const declared = outputs.map(({ name }) => name).filter((name) => name in details);
  return {
    ...before,
    ...Object.fromEntries(declared.map((name) => [name, details[name]])),
    ...Object.fromEntries(ALWAYS.map((name) => [name, details[name] ?? null])),
  };
}
