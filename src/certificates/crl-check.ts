import { AgentError } from '../base/errors.ts';
import type { RevocationList } from './crl.ts';

/**
 * Checks that a list is valid now.
 *
 * @param now milliseconds since the epoch, from this node's clock
 * @param clock a remark about that clock, for the message
 * @throws `precondition` if the list is not valid yet or has expired
 */
export function checkListDates({ thisUpdate, nextUpdate }: RevocationList, now: number, clock: string): void {
  const says = `this node's clock says ${new Date(now).toISOString()}${clock}`;
  if (now < thisUpdate)
    throw new AgentError(
      'precondition',
      `the list is not valid before ${new Date(thisUpdate).toISOString()}: ${says}`,
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
 * Compares a list with the installed one of the same CA.
 *
 * @throws `precondition` if it is older, or if its order is unknown
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
      `the list in ${file} has the number ${installed.number}, and the new one ${why}`,
      { reason },
    );
  if (list.number === undefined) throw refused('list-unnumbered', 'has none, so their order is unknown');
  if (list.number < installed.number) throw refused('list-older', `has ${list.number}: it is older`);
  if (list.number === installed.number)
    throw refused('list-differs', 'has the same number and different content');
  return 'newer';
}
