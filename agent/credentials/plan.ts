import { isTrue } from '../../src/metadata/heat-params.ts';
import { type Node, ownLoginOf } from '../node.ts';
import type { CredentialsPlan } from '../plan/plan.ts';

/** Other credentials in every file that holds them, once Keystone and Magnum have taken them. */
export function planCredentials(
  node: Node,
  { change, paths, units, objects, notices }: Omit<CredentialsPlan['stage'], 'do'>,
): CredentialsPlan {
  const { layout, params } = node;
  const hasTls = !isTrue(params.get('TLS_DISABLED'));
  return {
    kind: 'credentials',
    node,
    logIn: { do: 'log-in', as: ownLoginOf(params), token: undefined },
    askCluster: {
      do: 'ask-cluster',
      // A cluster without TLS has no CA to ask for.
      ca: hasTls ? layout.authorities[0]?.ca : undefined,
      region: change.fresh.region,
    },
    check: { do: 'check', paths, units },
    stage: { do: 'stage-credentials', change, paths, units, objects, notices },
  };
}
