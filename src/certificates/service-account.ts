import { createPrivateKey, createPublicKey } from 'node:crypto';
import { AgentError } from '../base/errors.ts';

/**
 * The pair that signs and verifies service-account tokens, as the deployment brings it.
 *
 * @throws `bad-deployment` for keys that are masked, garbled, or not a pair: with these no pod could log in
 */
export function checkServiceAccount(pair: { publicKey: string; privateKey: string }): void {
  try {
    const fits = createPublicKey(createPrivateKey(pair.privateKey)).equals(createPublicKey(pair.publicKey));
    if (fits) return;
  } catch (cause) {
    const masked = /^\*+$/.test(pair.privateKey.trim()) ? ' (the value is masked)' : '';
    throw new AgentError('bad-deployment', `the service-account keys are not PEM keys${masked}`, { cause });
  }
  throw new AgentError('bad-deployment', 'the service-account private key does not fit its public key');
}
