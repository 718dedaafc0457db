import type { Deployment } from '../deployment/deployment.ts';
import { notAFlag, selectFlag } from './flag.ts';
import { type RefuseOperation, refuse } from './refuse.ts';

/** A list of revoked certificates is put in place for the services that go by one. */
export type RevokeOperation = {
  kind: 'revoke';
  /** Where the list comes from, for messages: `the input crl`, `the file /root/revoked.pem`. */
  source: string;
  /** PEM (newlines also as `\n`), DER, or DER in base64. */
  list: string | Buffer;
  /** The list may revoke certificates that this node itself uses. */
  allowOwn: boolean;
  /** The file is put in place for a service that is not configured to read it yet; nothing is proven. */
  prepare: boolean;
  /** The services are restarted also where they read the file by themselves: that ends open connections. */
  restart: boolean;
};

/**
 * What a deployment of the group `coe-revoke` asks for.
 */
export function selectRevoke(inputs: Deployment['inputs']): RevokeOperation | RefuseOperation {
  const { crl } = inputs;
  if (typeof crl !== 'string' || crl.trim() === '')
    return refuse('list-missing', 'the input crl holds no list of revoked certificates');
  const flags: Record<string, boolean> = {};
  for (const name of ['allow_own', 'prepare', 'restart']) {
    const value = selectFlag(inputs[name], false);
    if (value === undefined) return notAFlag(name);
    flags[name] = value;
  }
  const { allow_own: allowOwn = false, prepare = false, restart = false } = flags;
  return { kind: 'revoke', source: 'the input crl', list: crl, allowOwn, prepare, restart };
}
