import { codeOf, explain } from '../../src/base/errors.ts';
import { createNodeAnnotations } from '../../src/services/node-annotations.ts';
import type { Hands } from '../hands.ts';
import { clientsOf } from './clients.ts';
import { withAnyApi } from './reach-api.ts';
import { BRIEFLY } from '../rotation/own-api.ts';
import { apisOf, type Look, type Place, STEP } from './look.ts';

/**
 * Says on this node's own Node that a step is under way, so that peers wait for its end.
 *
 * @param step undefined: it is over
 * @returns false when an API that answers could not be told
 */
export async function announce(
  step: string | undefined,
  { peers }: Pick<Look, 'peers'>,
  { node, units }: Pick<Place, 'node' | 'units'>,
  hands: Hands,
  abort: AbortSignal,
): Promise<boolean> {
  const { kubernetes } = clientsOf(node);
  const name = node.values.get('INSTANCE_NAME') || (node.values.get('HOSTNAME') ?? '');
  if (!kubernetes) return true;
  try {
    await withAnyApi(apisOf(node, units, peers), kubernetes, hands, abort, async (ask) => {
      await createNodeAnnotations(ask, hands.retry, BRIEFLY).write(name, { [STEP]: step ?? null }, abort);
    });
    return true;
  } catch (error) {
    if (codeOf(error) === 'aborted' || codeOf(error) === undefined) throw error;
    hands.log('phase-unannounced', { phase: step, why: explain(error) });
    return false;
  }
}
