import type { Deployment } from '../deployment/deployment.ts';

/** What a deployment means, decoded: the rest of the program never looks at its inputs again. */
export type Operation = RotateOperation;

export type RotateOperation = {
  kind: 'rotate';
  /** The new service-account key pair (PEM), when the rotation brings one. */
  serviceAccount: { publicKey: string; privateKey: string } | undefined;
  /** A token to use in place of the node's trust. */
  keystoneToken: string | undefined;
};

/** How the deployments of one group become operations. */
type Select = (deployment: Deployment) => Operation;

/** The groups that the agent serves itself. */
const groups: Readonly<Record<string, Select>> = {
  'coe-rotate': (deployment) => selectRotate(deployment.inputs),
};

/** The operation that a deployment asks for; undefined when its group is served by nobody here. */
export const selectOperation = (deployment: Deployment): Operation | undefined =>
  Object.hasOwn(groups, deployment.group) ? groups[deployment.group]?.(deployment) : undefined;

function selectRotate(inputs: Deployment['inputs']): RotateOperation {
  const publicKey = pemInput(inputs['kube_service_account_key_input']);
  const privateKey = pemInput(inputs['kube_service_account_private_key_input']);
  const token = inputs['keystone_token'];
  return {
    kind: 'rotate',
    serviceAccount:
      publicKey !== undefined && privateKey !== undefined ? { publicKey, privateKey } : undefined,
    keystoneToken: typeof token === 'string' && token !== '' ? token : undefined,
  };
}

/** Magnum writes PEM on one line, with each newline as the two characters `\n`. */
const pemInput = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value.replaceAll(String.raw`\n`, '\n') : undefined;
