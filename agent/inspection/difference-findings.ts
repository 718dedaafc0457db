import { shellQuote } from '../../src/base/shell-quote.ts';
import type { Difference, DifferenceCode } from './differences.ts';
import type { Finding } from './finding.ts';
import type { RotationState } from './rotation-state.ts';

/** The differences that no other finding of the doctor reports. */
const TOLD: ReadonlySet<DifferenceCode> = new Set<DifferenceCode>([
  'former-signer',
  'subject-differs',
  'names-differ',
  'authority-ends',
  'authority-ends-soon',
  'service-account-missing',
  'service-account-lost',
]);

/** Differences that only a rotation removes: a repair keeps the CA, and knows no other keys. */
const OF_ROTATIONS: ReadonlySet<DifferenceCode> = new Set<DifferenceCode>([
  'former-signer',
  'authority-ends',
  'authority-ends-soon',
  'service-account-lost',
]);

/**
 * Reports differences between a node's valid certificates and the desired state.
 *
 * @param phase of a rotation under way: between two phases the former CA still signs
 */
export function lookAtDifferences(
  differences: readonly Difference[],
  phase: RotationState['phase'],
  clusterUuid: string,
): Finding[] {
  const findings = differences
    .filter(({ code }) => TOLD.has(code) && (code !== 'former-signer' || phase === null))
    .map(({ code, severity, of, text }): Finding => ({
      id: 'difference',
      of,
      verdict: severity === 'critical' ? 'bad' : 'warning',
      reason: code,
      isMended: true,
      what: text,
      ...(OF_ROTATIONS.has(code) && { next: `openstack coe ca rotate ${shellQuote(clusterUuid)}` }),
    }));
  return findings.length > 0
    ? findings
    : [
        {
          id: 'difference',
          verdict: 'good',
          what: 'every certificate has the expected names',
        },
      ];
}
