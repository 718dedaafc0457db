import type { CaType, RoleLayout } from '../../src/certificates/layout.ts';
import { canonicalCa } from '../../src/certificates/trusted.ts';
import { madeAt } from '../inspection/authority.ts';
import type { Holding } from '../inspection/inventory.ts';
import type { UpkeepRecord } from './record.ts';

/**
 * The CAs that Magnum serves, by fingerprint, as far as the last answer still tells: the node may hold a CA that was made
 * since. A rotation has brought it, and Magnum is asked again within a day.
 */
export function servedAsKnown(
  { served, servedAt, login }: Pick<UpkeepRecord, 'served' | 'servedAt' | 'login'>,
  { authorities }: Pick<RoleLayout, 'authorities'>,
  holdings: readonly Holding[],
): UpkeepRecord['served'] {
  // Earlier versions wrote the moment of the try alone.
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
