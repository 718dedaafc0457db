import { unclosedQuotesIn } from '../../src/metadata/heat-params.ts';
import type { Finding } from './finding.ts';
import { viAt } from './layout-files.ts';

/**
 * Reports lines of heat-params that have another meaning than they seem to. Their values are secrets and are not shown.
 */
export function lookAtLines(path: string, text: string): Finding[] {
  return unclosedQuotesIn(text).map(({ line, key }) => ({
    id: 'heat-params',
    of: path,
    verdict: 'bad',
    reason: 'unclosed-quote',
    what: `${path}: line ${line}: the value of ${key} has no closing quote`,
    next: viAt(path, line),
  }));
}
