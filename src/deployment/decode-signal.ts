import type { SignalTarget } from './deployment.ts';

type Inputs = Readonly<Record<string, unknown>>;
type HeatSignal = Extract<SignalTarget, { transport: 'HEAT_SIGNAL' }>;

/** An input that is a text with something in it. */
export const textInput = (inputs: Inputs, name: string): string | undefined => {
  const value = inputs[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

/**
 * Where and how the result of a deployment is to be told, or what is wrong with that.
 *
 * @param createdAt of the deployment, in milliseconds since the epoch
 */
export function decodeSignal(inputs: Inputs, createdAt: number): SignalTarget | string {
  const address = textInput(inputs, 'deploy_signal_id');
  const transport = textInput(inputs, 'deploy_signal_transport') ?? impliedTransport(inputs);
  switch (transport) {
    case 'NO_SIGNAL':
      return { transport };
    case 'HEAT_SIGNAL':
      return heatSignal(inputs);
    case 'ZAQAR_SIGNAL':
      return needing(transport, inputs, (need) => ({
        transport,
        queueId: need('deploy_queue_id'),
        ...userOf(inputs, need),
      }));
    case 'CFN_SIGNAL':
    case 'TEMP_URL_SIGNAL': {
      if (address === undefined) return `${transport} needs the input deploy_signal_id`;
      const other = heatSignal(inputs);
      const fallback = typeof other === 'string' ? {} : { fallback: other };
      if (transport === 'TEMP_URL_SIGNAL')
        return { transport, url: address, handedOutAt: createdAt, ...fallback };
      const verb = textInput(inputs, 'deploy_signal_verb') === 'PUT' ? 'PUT' : 'POST';
      return { transport, url: address, verb, ...fallback };
    }
    default:
      return `the signal transport ${transport} is not known`;
  }
}

/**
 * heat-agents never look at the name of the transport, but at what there is to answer with. So does whoever writes
 * deployments by hand for them, and the oldest Heat releases name none.
 */
function impliedTransport(inputs: Inputs): SignalTarget['transport'] {
  if (textInput(inputs, 'deploy_signal_id') !== undefined) return 'CFN_SIGNAL';
  if (textInput(inputs, 'deploy_queue_id') !== undefined) return 'ZAQAR_SIGNAL';
  return textInput(inputs, 'deploy_auth_url') === undefined ? 'NO_SIGNAL' : 'HEAT_SIGNAL';
}

const heatSignal = (inputs: Inputs): HeatSignal | string =>
  needing('HEAT_SIGNAL', inputs, (need) => ({
    transport: 'HEAT_SIGNAL',
    stackId: need('deploy_stack_id'),
    resourceName: need('deploy_resource_name'),
    ...userOf(inputs, need),
  }));

type Need = (name: string) => string;

/** The stack-domain user that Heat has made for signals. */
const userOf = (inputs: Inputs, need: Need) => ({
  authUrl: need('deploy_auth_url'),
  userId: need('deploy_user_id'),
  password: need('deploy_password'),
  projectId: need('deploy_project_id'),
  region: textInput(inputs, 'deploy_region_name'),
});

/** What is built of inputs; or the names of all those that it lacks. */
function needing<T>(transport: string, inputs: Inputs, build: (need: Need) => T): T | string {
  const missing: string[] = [];
  const built = build((name) => {
    const value = textInput(inputs, name);
    if (value === undefined) missing.push(name);
    return value ?? '';
  });
  return missing.length === 0 ? built : `${transport} needs the inputs ${missing.join(', ')}`;
}
