import type { SignalTarget } from './deployment.ts';

type Inputs = Readonly<Record<string, unknown>>;
type HeatSignal = Extract<SignalTarget, { transport: 'HEAT_SIGNAL' }>;

/** Returns an input if it is a non-empty text. */
export const textInput = (inputs: Inputs, name: string): string | undefined => {
  const value = inputs[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

type Transport = SignalTarget['transport'];

/** Why no signal can be sent: a stable reason, and a sentence. */
export type Misfit = { reason: string; why: string };

const fits = (target: SignalTarget | Misfit): target is SignalTarget => 'transport' in target;

/**
 * Decodes where and how to signal a deployment's result, or returns what is wrong. If the named transport lacks its
 * inputs, uses another transport that has them: heat-agents ignore the name, and so do authors of deployments. The
 * oldest Heat releases name none.
 *
 * @param createdAt creation time of the deployment, in milliseconds since the epoch
 */
export function decodeSignal(inputs: Inputs, createdAt: number): SignalTarget | Misfit {
  const named = textInput(inputs, 'deploy_signal_transport');
  if (named === 'NO_SIGNAL') return { transport: named };
  const implied = IMPLIED.filter(([, input]) => textInput(inputs, input) !== undefined).map(([one]) => one);
  const [first, ...others] = named === undefined ? implied : [named, ...implied];
  if (first === undefined) return { transport: 'NO_SIGNAL' };
  const target = targetOf(first, inputs, createdAt);
  if (fits(target)) return target;
  const left = others.map((transport) => targetOf(transport, inputs, createdAt));
  return left.find(fits) ?? target;
}

/** Transports in heat-agents' order, with the input that implies each. */
const IMPLIED: readonly (readonly [Transport, input: string])[] = [
  ['CFN_SIGNAL', 'deploy_signal_id'],
  ['ZAQAR_SIGNAL', 'deploy_queue_id'],
  ['HEAT_SIGNAL', 'deploy_auth_url'],
];

function targetOf(transport: string, inputs: Inputs, createdAt: number): SignalTarget | Misfit {
  switch (transport) {
    case 'HEAT_SIGNAL':
      return heatSignal(inputs);
    case 'ZAQAR_SIGNAL':
      return needing(transport, inputs, (need, needAddress) => ({
        transport,
        queueId: need('deploy_queue_id'),
        ...userOf(inputs, need, needAddress),
      }));
    case 'CFN_SIGNAL':
    case 'TEMP_URL_SIGNAL':
      return needing(transport, inputs, (_, needAddress): SignalTarget => {
        const url = needAddress('deploy_signal_id');
        const other = heatSignal(inputs);
        const fallback = 'why' in other ? {} : { fallback: other };
        if (transport === 'TEMP_URL_SIGNAL') return { transport, url, handedOutAt: createdAt, ...fallback };
        const verb = textInput(inputs, 'deploy_signal_verb') === 'PUT' ? 'PUT' : 'POST';
        return { transport, url, verb, ...fallback };
      });
    default:
      return { reason: 'unknown-transport', why: `unknown signal transport ${transport}` };
  }
}

const heatSignal = (inputs: Inputs): HeatSignal | Misfit =>
  needing('HEAT_SIGNAL', inputs, (need, needAddress) => ({
    transport: 'HEAT_SIGNAL',
    stackId: need('deploy_stack_id'),
    resourceName: need('deploy_resource_name'),
    ...userOf(inputs, need, needAddress),
  }));

type Need = (name: string) => string;

/** The stack-domain user that Heat creates for signals. */
const userOf = (inputs: Inputs, need: Need, needAddress: Need) => ({
  authUrl: needAddress('deploy_auth_url'),
  userId: need('deploy_user_id'),
  password: need('deploy_password'),
  projectId: need('deploy_project_id'),
  region: textInput(inputs, 'deploy_region_name'),
});

/** Builds a value from inputs, or returns the names of all missing or invalid ones. */
function needing<T>(
  transport: string,
  inputs: Inputs,
  build: (need: Need, needAddress: Need) => T,
): T | Misfit {
  const missing: string[] = [];
  const need = (name: string): string => {
    const value = textInput(inputs, name);
    if (value === undefined) missing.push(name);
    return value ?? '';
  };
  const misfits: string[] = [];
  const built = build(need, (name) => {
    const value = need(name);
    if (value !== '' && !isHttp(value)) misfits.push(name);
    return value;
  });
  if (missing.length > 0)
    return { reason: 'signal-input-missing', why: `${transport} needs the inputs ${missing.join(', ')}` };
  return misfits.length > 0
    ? { reason: 'signal-address', why: `${transport}: ${misfits.join(', ')} is not an http address` }
    : built;
}

const isHttp = (value: string): boolean => /^https?:/i.test(value) && URL.canParse(value);
