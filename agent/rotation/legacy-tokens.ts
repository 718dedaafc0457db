import type { Patience } from '../../src/base/retry.ts';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import { createKubernetesTrust } from '../../src/services/kubernetes-trust.ts';
import { readLeader } from '../../src/services/leadership.ts';
import { type Missing, renewTokens } from '../../src/services/legacy-tokens.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { readKeys, signedBy } from './service-account.ts';

/** The lease of kube-controller-manager (default name), which runs the token controller. */
const SIGNER = { namespace: 'kube-system', name: 'kube-controller-manager' };

/** Checks the legacy tokens of the cluster once, through this node's API server. */
export async function lookAtTokens(
  ask: AskApi,
  node: Node,
  patience: Patience,
  hands: Hands,
  abort: AbortSignal,
): Promise<Missing> {
  const { clock, retry, hostname } = hands;
  const own = [node.values.get('HOSTNAME'), node.values.get('INSTANCE_NAME'), hostname];
  return await renewTokens(
    {
      trust: createKubernetesTrust(ask, retry, patience),
      clock,
      signedBy: signedBy(await readKeys(node.layout, hands)),
      otherSigner: async () => {
        const what = 'asking which controller manager leads';
        const leader = await readLeader(
          SIGNER,
          async (path) => await ask({ what, method: 'GET', path, abort }),
        );
        // client-go writes the host's name, `_` and a random suffix. Without a holder there is no election, so there is
        // no other signer.
        const host = leader?.replace(/_[^_]*$/, '');
        return host === undefined || host === '' || own.includes(host) ? undefined : host;
      },
    },
    abort,
  );
}
