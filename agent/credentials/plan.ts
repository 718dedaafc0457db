import { isTrue } from '../../src/metadata/heat-params.ts';
import { type Node, trusteeOf } from '../node.ts';
import { fromReplaceOn, type Step } from '../plan/step.ts';

/** Other credentials in every file that holds them, once Keystone and Magnum have taken them. */
export function planCredentials(
  node: Node,
  { change, paths, units, notices }: Omit<Extract<Step, { do: 'stage-credentials' }>, 'do'>,
): Step[] {
  const { layout, params } = node;
  const hasTls = !isTrue(params.get('TLS_DISABLED'));
  return [
    { do: 'log-in', as: trusteeOf(params), token: undefined },
    // A cluster without TLS has no CA to ask for.
    { do: 'ask-cluster', ca: hasTls ? layout.authorities[0]?.ca : undefined, region: change.fresh.region },
    { do: 'check', paths, units },
    { do: 'stage-credentials', change, paths, units, notices },
    ...fromReplaceOn(units),
  ];
}
