import { AgentError, explain } from '../../src/base/errors.ts';
import { unescapedPem } from '../../src/base/pem.ts';
import { checkServiceAccount } from '../../src/certificates/service-account.ts';
import type { RotateOperation } from '../../src/operation/operation.ts';
import type { Config } from '../config.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';

/**
 * The service-account pair of heat-params, for a node that has none yet. heat-params keeps the pair of the cluster's
 * creation for ever: one that lies on the node already is the same or a newer one, so it stays.
 *
 * @throws `bad-heat-params` for keys that no pod could log in with
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
