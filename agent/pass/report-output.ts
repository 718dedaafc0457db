import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import type { Outcome } from '../../src/deployment/deployment.ts';
import type { Hands } from '../hands.ts';
import { readNodeIfThere } from '../node.ts';

/** The output of a software config that receives the report of the node. */
const REPORT_OUTPUT = 'coe_report';

/**
 * Adds the report of this node to the outputs of a deployment that declares it: without Kubernetes, the outputs of a
 * stack are where `agent fleet` finds it. The report never fails the deployment. It replaces an output of a script.
 */
export async function withReport(
  outcome: Outcome,
  declared: readonly string[],
  hands: Hands,
): Promise<Outcome> {
  if (!declared.includes(REPORT_OUTPUT)) return outcome;
  try {
    const node = await readNodeIfThere(hands);
    // Loaded only where it is needed, which keeps an idle daemon small.
    const { readNamedReport } = await import('../inspection/report.ts');
    const report = node && (await readNamedReport(node, hands));
    const value = hands.secrets.redactWithin(report ?? null);
    return { ...outcome, outputs: { ...outcome.outputs, [REPORT_OUTPUT]: value } };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    hands.log('report-unmade', { code: codeOf(error), why: explain(error) });
    return { ...outcome, outputs: { ...outcome.outputs, [REPORT_OUTPUT]: null } };
  }
}
