import { readText } from '../../src/base/disk.ts';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { unescapedPem } from '../../src/base/pem.ts';
import { checkServiceAccount } from '../../src/certificates/service-account.ts';
import { acceptedKeys, isAccepted, publicKeyOfPrivate } from '../../src/certificates/service-account-keys.ts';
import type { RotateOperation } from '../../src/operation/operation.ts';
import type { Config } from '../config.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { readKept } from './service-account.ts';

type Pair = NonNullable<RotateOperation['serviceAccount']>;

/**
 * The missing service-account key files of a node, and the pair that belongs there, or why no source is known to have
 * it.
 */
export type MissingKeys = { paths: readonly string[] } & ({ pair: Pair } | { error: AgentError });

/**
 * Finds the pair for missing service-account key files. A public key comes from its private key. A private key comes
 * from heat-params, which keep the pair of the cluster's creation forever: only if this node has never changed its keys.
 *
 * @returns undefined if no file is missing, or if neither the node nor heat-params have keys
 */
export async function missingKeys(
  { layout: { serviceAccount: row }, params }: Pick<Node, 'layout' | 'params'>,
  { disk, secrets, config }: Pick<Hands, 'disk' | 'secrets'> & { config: Pick<Config, 'heat_params'> },
): Promise<MissingKeys | undefined> {
  if (!row) return undefined;
  const privateKey = (await readText(disk, row.privateKeyFile.path)) ?? '';
  const publicKeys = (await readText(disk, row.publicKeyFile.path)) ?? '';
  const paths = [
    ...(privateKey === '' ? [row.privateKeyFile.path] : []),
    ...(publicKeys === '' ? [row.publicKeyFile.path] : []),
  ];
  if (paths.length === 0) return undefined;
  secrets.addPassing(privateKey);
  if (privateKey !== '') return { paths, ...publicOf(privateKey, row.privateKeyFile.path) };
  const pair = {
    publicKey: unescapedPem(params.get('KUBE_SERVICE_ACCOUNT_KEY') ?? ''),
    privateKey: unescapedPem(params.get('KUBE_SERVICE_ACCOUNT_PRIVATE_KEY') ?? ''),
  };
  if (pair.publicKey + pair.privateKey + publicKeys === '') return undefined;
  secrets.addPassing(pair.privateKey);
  try {
    checkServiceAccount(pair);
  } catch (error) {
    const why = `${config.heat_params}: ${explain(error)}`;
    return { paths, error: new AgentError('bad-heat-params', why, { cause: error }) };
  }
  const accepted = acceptedKeys({ publicKeys });
  const isOther = accepted.length > 0 && (accepted.length > 1 || !isAccepted({ ...NONE, publicKeys }, pair));
  if (isOther || (await haveChanged(disk))) return { paths, error: CHANGED };
  return { paths, pair };
}

/** Returns the pair for missing service-account key files; undefined if none is missing, or no source has it. */
export async function missingPair(
  node: Pick<Node, 'layout' | 'params'>,
  hands: Parameters<typeof missingKeys>[1],
): Promise<Pair | undefined> {
  const missing = await missingKeys(node, hands);
  return missing && 'pair' in missing ? missing.pair : undefined;
}

const NONE = { privateKey: undefined, leaving: [], next: undefined };

/** Whether this node has changed its keys since they were made. A damaged record belongs to a change, too. */
const haveChanged = async (disk: Hands['disk']): Promise<boolean> => {
  try {
    return (await readKept({ disk })) !== undefined;
  } catch (error) {
    if (codeOf(error) !== 'state') throw error;
    return true;
  }
};

const CHANGED = new AgentError(
  'precondition',
  'the service-account keys have changed since the cluster was made, so those of heat-params are not used: copy the files from another master, or rotate',
  { reason: 'keys-changed' },
);

function publicOf(privateKey: string, path: string): { pair: Pair } | { error: AgentError } {
  try {
    return { pair: { publicKey: publicKeyOfPrivate(privateKey), privateKey } };
  } catch (error) {
    return { error: new AgentError('bad-file', `${path} holds no private key`, { cause: error }) };
  }
}
