import { AgentError, explain } from '../../src/base/errors.ts';
import { unescapedPem } from '../../src/base/pem.ts';
import { checkServiceAccount } from '../../src/certificates/service-account.ts';
import type { RotateOperation } from '../../src/operation/operation.ts';
import type { Config } from '../config.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';

/**
 * Returns the service-account pair of heat-params for a node that has none. heat-params keeps the pair of the cluster's
 * creation forever. A pair that already exists on the node is the same or a newer one, so it stays.
 *
 * @throws `bad-heat-params` for keys that would lock out every pod
 */
export async function firstKeys(
  { layout: { serviceAccount: row }, params }: Pick<Node, 'layout' | 'params'>,
  { disk, secrets, config }: Pick<Hands, 'disk' | 'secrets'> & { config: Pick<Config, 'heat_params'> },
): Promise<RotateOperation['serviceAccount']> {
  const publicKey = unescapedPem(params.get('KUBE_SERVICE_ACCOUNT_KEY') ?? '');
  const privateKey = unescapedPem(params.get('KUBE_SERVICE_ACCOUNT_PRIVATE_KEY') ?? '');
  if (!row || publicKey + privateKey === '') return undefined;
  if ((await disk.info(row.privateKeyFile.path)) !== undefined) return undefined;
  secrets.addPassing(privateKey);
  try {
    checkServiceAccount({ publicKey, privateKey });
  } catch (error) {
    throw new AgentError('bad-heat-params', `${config.heat_params}: ${explain(error)}`, { cause: error });
  }
  return { publicKey, privateKey };
}
