import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { AgentError } from '../base/errors.ts';

/** Kubernetes signs tokens with RS256, or with ES256, ES384 and ES512 on these curves. */
const CURVES = ['prime256v1', 'secp384r1', 'secp521r1'];

/**
 * Checks the pair for service-account tokens that a deployment contains.
 *
 * @throws `bad-deployment` if keys are masked, garbled, missing or incomplete: pods could not log in with them
 */
export function checkServiceAccount({
  publicKey,
  privateKey,
}: {
  publicKey: string;
  privateKey: string;
}): void {
  for (const [what, pem, other] of [
    ['public', publicKey, 'private'],
    ['private', privateKey, 'public'],
  ] as const) {
    if (pem.trim() === '')
      throw refused(
        'keys-half',
        `there is a service-account ${other} key without its ${what} key: send both, or neither`,
      );
    if (/^\*+$/.test(pem.trim()))
      throw refused(
        'keys-masked',
        `the service-account keys are not PEM keys (the ${what} one is masked): send the keys themselves`,
      );
  }
  const [verifies, signs] = [oneKey('public', publicKey), oneKey('private', privateKey)];
  if (!createPublicKey(signs).equals(verifies))
    throw refused('keys-no-pair', 'the service-account private key does not fit its public key');
}

function oneKey(what: 'public' | 'private', pem: string): KeyObject {
  const labels = [...pem.matchAll(/-----BEGIN ([A-Z ]*KEY)-----/g)].map(([, label = '']) => label);
  const wanted = what === 'public' ? 'PUBLIC KEY' : 'PRIVATE KEY';
  const key = labels.length === 1 && labels[0]?.endsWith(wanted) ? read(what, pem) : undefined;
  if (!key)
    throw refused(
      'keys-garbled',
      `the service-account keys are not PEM keys (the ${what} one is not a ${what} key)`,
    );
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = key;
  if (type === 'rsa' || (type === 'ec' && CURVES.includes(details?.namedCurve ?? ''))) return key;
  throw refused(
    'keys-unusable',
    `the service-account ${what} key is of the kind ${details?.namedCurve ?? type}: Kubernetes signs tokens with RSA or with EC on P-256, P-384 or P-521`,
  );
}

function read(what: 'public' | 'private', pem: string): KeyObject | undefined {
  try {
    return what === 'public' ? createPublicKey(pem) : createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

const refused = (reason: string, why: string): AgentError =>
  new AgentError('bad-deployment', why, { reason });
