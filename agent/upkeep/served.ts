import type { CaType, RoleLayout } from '../../src/certificates/layout.ts';
import { canonicalCa } from '../../src/certificates/trusted.ts';
import { madeAt } from '../inspection/authority.ts';
import type { Holding } from '../inspection/inventory.ts';
import type { UpkeepRecord } from './record.ts';

/**
 * Returns the CAs that Magnum serves, by fingerprint, if its last answer is still current. If the node holds a newer
 * CA, a rotation has brought it; Magnum is asked again within a day.
 */
export function servedAsKnown(
  { served, servedAt, login }: Pick<UpkeepRecord, 'served' | 'servedAt' | 'login'>,
  { authorities }: Pick<RoleLayout, 'authorities'>,
  holdings: readonly Holding[],
): UpkeepRecord['served'] {
  // Earlier versions recorded only the time of the attempt.
  const askedAt = servedAt ?? login?.triedAt ?? Infinity;
  const isOutdated = (type: CaType): boolean =>
    authorities.some(
      ({ ca, file: { path } }) =>
        canonicalCa(ca) === type &&
        holdings.some(
          ({ file, certificates }) => file === path && certificates.some((one) => madeAt(one) > askedAt),
        ),
    );
  return Object.fromEntries(
    authorities
      .map(({ ca }) => canonicalCa(ca))
      .flatMap((type) => (isOutdated(type) ? [] : [[type, served[type]] as const])),
  );
}
