import { AgentError } from '../base/errors.ts';
import type { RevocationList } from './crl.ts';

/**
 * @param now milliseconds since the epoch, by this node's clock
 * @param clock what is known of that clock, for the message
 * @throws `precondition` when the list does not hold yet, or no longer
 */
export function checkListDates({ thisUpdate, nextUpdate }: RevocationList, now: number, clock: string): void {
  const says = `this node's clock says ${new Date(now).toISOString()}${clock}`;
  if (now < thisUpdate)
    throw new AgentError(
      'precondition',
      `the list does not hold before ${new Date(thisUpdate).toISOString()}: ${says}`,
      { reason: 'list-early' },
    );
  if (nextUpdate !== undefined && now > nextUpdate)
    throw new AgentError(
      'precondition',
      `the list expired on ${new Date(nextUpdate).toISOString()}: ${says}; have the CA make a new one`,
      { reason: 'list-expired' },
    );
}

/**
 * How a list compares with the one of the same CA that is in place.
 *
 * @throws `precondition` when it is older, or cannot be told to be newer
 */
export function compareLists(
  list: RevocationList,
  installed: RevocationList,
  file: string,
): 'same' | 'newer' {
  if (list.der.equals(installed.der)) return 'same';
  if (installed.number === undefined) return 'newer';
  const refused = (reason: string, why: string): AgentError =>
    new AgentError(
      'precondition',
      `the list in ${file} has the number ${installed.number}, and this one ${why}`,
      { reason },
    );
  if (list.number === undefined)
    throw refused('list-unnumbered', 'has none: whether it is newer cannot be told');
  if (list.number < installed.number) throw refused('list-older', `has ${list.number}: it is older`);
  if (list.number === installed.number) throw refused('list-differs', 'has the same and says something else');
  return 'newer';
}
