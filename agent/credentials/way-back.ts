import { AgentError } from '../../src/base/errors.ts';
import {
  CREDENTIAL_NAMES,
  type Credentials,
  type CredentialsOperation,
} from '../../src/operation/credentials.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { readFormer } from './former.ts';
import { CREDENTIAL_INPUTS, credentialsOf } from './login-of.ts';

/**
 * Builds the operation that restores the former login. It is tested with a login like any other, so the former trust
 * must still exist.
 *
 * @throws `precondition` if no former login is kept, or if it had no trust
 */
export async function operationOfWayBack(
  { params }: Pick<Node, 'params'>,
  hands: Pick<Hands, 'disk' | 'secrets'>,
): Promise<CredentialsOperation> {
  const record = await readFormer(hands);
  if (!record)
    throw new AgentError('precondition', 'no former credentials are kept: nothing can be restored', {
      reason: 'no-former',
    });
  const { former, formerCa } = record;
  const now = credentialsOf(params);
  if (former.trust === '' && now.trust !== '')
    throw new AgentError('precondition', 'the former credentials had no trust: change heat-params by hand', {
      reason: 'former-without-trust',
    });
  const given: Credentials = Object.fromEntries(
    CREDENTIAL_NAMES.filter((name) => former[CREDENTIAL_INPUTS[name].key] !== '').map((name) => [
      name,
      former[CREDENTIAL_INPUTS[name].key],
    ]),
  );
  return { kind: 'credentials', given, ...(formerCa !== undefined && { openstackCa: formerCa }) };
}
