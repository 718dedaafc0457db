import type { Deployment } from '../deployment/deployment.ts';
import { notAFlag, selectFlag } from './flag.ts';
import { type RefuseOperation, refuse } from './refuse.ts';

/** Installs a revocation list for the services that enforce one. */
export type RevokeOperation = {
  kind: 'revoke';
  /** The source of the list, for messages: `the input crl`, `the file /root/revoked.pem`. */
  source: string;
  /** PEM (newlines also as `\n`), DER, or base64 of DER. */
  list: string | Buffer;
  /** Allows a list that revokes certificates used by this node itself. */
  allowOwn: boolean;
  /** Installs the file for a service that is not configured to read it yet; proves nothing. */
  prepare: boolean;
  /** Restarts the services even if they reread the file by themselves; that closes open connections. */
  restart: boolean;
};

/** Decodes a deployment of the group `coe-revoke`. */
export function selectRevoke(inputs: Deployment['inputs']): RevokeOperation | RefuseOperation {
  const { crl } = inputs;
  if (typeof crl !== 'string' || crl.trim() === '')
    return refuse('list-missing', 'the input crl contains no revocation list');
  const flags: Record<string, boolean> = {};
  for (const name of ['allow_own', 'prepare', 'restart']) {
    const value = selectFlag(inputs[name], false);
    if (value === undefined) return notAFlag(name);
    flags[name] = value;
  }
  const { allow_own: allowOwn = false, prepare = false, restart = false } = flags;
  return { kind: 'revoke', source: 'the input crl', list: crl, allowOwn, prepare, restart };
}
