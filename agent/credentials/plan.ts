import { isTrue } from '../../src/metadata/heat-params.ts';
import { type Node, ownLoginOf } from '../node.ts';
import type { CredentialsPlan } from '../plan/plan.ts';

/**
 * Plans new credentials or a new CA bundle for every file that holds them. The plan first tests that the cloud accepts
 * them.
 */
export function planCredentials(node: Node, stage: Omit<CredentialsPlan['stage'], 'do'>): CredentialsPlan {
  const { layout, params } = node;
  const { change, paths, units, openstackCa: ca } = stage;
  const hasTls = !isTrue(params.get('TLS_DISABLED'));
  return {
    kind: 'credentials',
    node,
    login:
      change.given.length === 0
        ? undefined
        : {
            logIn: { do: 'log-in', as: ownLoginOf(params), token: undefined },
            askCluster: {
              do: 'ask-cluster',
              // A cluster without TLS has no CA to request.
              ca: hasTls ? layout.authorities[0]?.ca : undefined,
              region: change.fresh.region,
            },
          },
    seeCloud: ca === undefined ? undefined : { do: 'see-cloud', url: change.fresh.authUrl, ca },
    check: { do: 'check', paths, units },
    stage: { do: 'stage-credentials', ...stage },
  };
}
