import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { canonicalCa } from '../../src/certificates/trusted.ts';
import { fingerprint } from '../../src/certificates/read.ts';
import { verifyAuthority } from '../../src/certificates/verify.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import type { UpkeepRecord } from './record.ts';

/**
 * Logs in with the node's own login and asks Magnum for its CAs, without retries: if the cloud is unreachable, the
 * attempt waits for another day.
 *
 * @returns the record with the results
 * @throws `aborted`
 */
export async function tryLogin(
  { params, layout }: Node,
  record: UpkeepRecord,
  hands: Hands,
  abort: AbortSignal,
): Promise<UpkeepRecord> {
  const now = hands.clock.now();
  const login = { since: now, ...record.login, triedAt: now };
  try {
    const cluster = await hands.openCluster(params, undefined, abort, { patient: false });
    const served: UpkeepRecord['served'] = {};
    for (const type of new Set(layout.authorities.map(({ ca }) => canonicalCa(ca))))
      served[type] = fingerprint(
        await cluster.readCa(type, (pem) => verifyAuthority(pem, type, hands.clock.now())),
      );
    const roles = [...(await cluster.roles())];
    return { ...record, served, servedAt: now, login: { ...login, refusals: 0, why: undefined, roles } };
  } catch (error) {
    if (!(error instanceof AgentError) || codeOf(error) === 'aborted') throw error;
    hands.log('login-tried-in-vain', { code: error.code, why: explain(error) });
    return { ...record, login: withRefusal({ refusals: 0, roles: [], ...login }, error) };
  }
}

type Login = NonNullable<UpkeepRecord['login']>;

/** Counts rejections by Keystone or Magnum. No answer says nothing about a login. */
export const withRefusal = (login: Login, error: { code: string; message: string }): Login =>
  error.code === 'login-refused' || error.code === 'unauthorized'
    ? { ...login, refusals: login.refusals + 1, why: error.message }
    : login;
