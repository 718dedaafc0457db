import { shellQuote } from '../../src/base/shell-quote.ts';
import { expiryIn } from './certificates.ts';
import { type Fault, sentenceOn } from './fault.ts';
import type { Finding } from './finding.ts';
import type { Holding } from './inventory.ts';

/** Finds faulty certificates and kubeconfigs of the layout, and those that expire soon. */
export function lookAtHoldings(holdings: readonly Holding[], now: number): Finding[] {
  const findings = holdings.flatMap((holding) => {
    const { file, faults } = holding;
    if (faults.length > 0) return [faulty(file, faults)];
    const ending = endsSoon(holding, now);
    return ending ? [ending] : [];
  });
  return findings.length > 0
    ? findings
    : [{ id: 'certificate', verdict: 'good', what: 'every certificate is good and its key fits' }];
}

/**
 * Builds the finding of a faulty file. A rotation repairs every fault except a kubeconfig with invalid YAML, which
 * makes it fail.
 */
function faulty(file: string, faults: readonly Fault[]): Finding {
  const about = {
    of: file,
    verdict: 'bad',
    what: sentenceOn(file, faults),
  } as const;
  const syntax = faults.find((fault) => fault.code === 'unreadable' && fault.line !== undefined);
  if (syntax?.code === 'unreadable' && syntax.line !== undefined)
    return {
      ...about,
      id: 'kubeconfig',
      reason: 'not-yaml',
      what: syntax.why,
      next: viAt(file, syntax.line),
    };
  const reason = faults[0]?.code;
  return { ...about, id: 'certificate', ...(reason !== undefined && { reason }), isMended: true };
}

/** Returns the command that opens an editor at a line, counted from 1. */
export const viAt = (file: string, line: number | undefined): string =>
  line === undefined ? `vi ${shellQuote(file)}` : `vi +${line} ${shellQuote(file)}`;

function endsSoon({ file, notAfter }: Holding, now: number): Finding | undefined {
  if (notAfter === undefined) return undefined;
  const left = Date.parse(notAfter) - now;
  const expiry = expiryIn(left);
  if (expiry === 'good') return undefined;
  return {
    id: 'certificate',
    of: file,
    verdict: expiry === 'warning' ? 'warning' : 'bad',
    reason: 'ends-soon',
    isMended: true,
    what: `${file} ends ${notAfter}, in ${Math.floor(left / 86_400_000)} days`,
  };
}
