import type { Cluster, Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { unitsOf } from '../plan/units.ts';
import { issueHands } from '../rotation/issue-hands.ts';
import { readServedCas } from '../rotation/served-cas.ts';
import { look, type Look, type Place } from './look.ts';
import { type Masters, mastersOf } from './masters.ts';
import { ownState } from './own-state.ts';

export const placeOf = async (
  node: Node,
  cluster: Cluster,
  hands: Hands,
  abort: AbortSignal,
): Promise<Place> => ({ node, units: await unitsOf(node, hands, abort), cluster });

/** What this node and its peers have, compared with the CAs that Magnum serves now. @throws what keeps Magnum from being asked */
export async function lookAround(place: Place, hands: Hands, abort: AbortSignal): Promise<Look> {
  const { node, cluster } = place;
  const reading = issueHands(cluster, undefined, hands, {
    authorities: node.layout.authorities,
    requests: [],
  });
  const served = await readServedCas(node, reading, hands);
  return await look(await ownState(served, node, hands), served, place, hands, abort);
}

/** The peers, and with whom of them this node takes turns. */
export async function lookAtMasters(
  place: Place,
  hands: Hands,
  abort: AbortSignal,
): Promise<{ seen: Look; masters: Masters | undefined }> {
  const seen = await lookAround(place, hands, abort);
  return { seen, masters: await mastersOf(seen, place, hands, abort) };
}
