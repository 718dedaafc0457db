import { AgentError } from '../../src/base/errors.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Hands } from '../hands.ts';
import { readNode } from '../node.ts';
import { unitsOf } from '../plan/units.ts';
import { carryOutInTurn, turnAsAsked } from './carry-out.ts';
import { createTend } from '../execution/free-pods.ts';
import { recover } from '../pass/recover.ts';
import { intendToRestart } from '../pass/intend.ts';
import { Restarted } from './schemas/writing.ts';
import { createTerminal } from './terminal.ts';
import { outputsAs, writeJson } from './json-answer.ts';
import { type Context, onLockedNode, type Verb } from './verb.ts';
import { restartClusterWorkloads } from '../rotation/workloads.ts';
import { workloadsFor } from '../rotation/workloads-plan.ts';

/** Does the work of a `coe-restart` deployment from the command line. */
export const verb: Verb = async (context, options) => {
  const terminal = createTerminal(context.world.stdout, context.secrets);
  const progress = context.json ? () => undefined : terminal.progress;
  return await onLockedNode(context, 'restart', progress, async (all, stopping) => {
    const hands = turnAsAsked(all, options);
    // Finish an interrupted rotation first: it may restart the same units.
    await recover(hands, stopping);
    if (options['workloads'] === true) return await restartAll(context, terminal.line, hands, stopping);
    const named = Array.isArray(options['unit']) ? options['unit'].map(String) : undefined;
    const { plan } = await intendToRestart({ kind: 'restart', units: named }, hands, stopping);
    const outcome = await carryOutInTurn(plan, { runId: 'restart', hands, abort: stopping });
    if (context.json)
      writeJson(context, 'restart', { done: true, ...outputsAs(Restarted, outcome), said: [] });
    return EXIT.done;
  });
};

/** Restarts the cluster's workloads instead of the node's services. */
async function restartAll(
  context: Context,
  line: (text: string) => void,
  hands: Hands,
  abort: AbortSignal,
): Promise<ExitCode> {
  const node = await readNode(hands);
  const wanted = { restartWorkloads: true };
  const units = await unitsOf(node, hands, abort);
  const { workloads, notices } = workloadsFor(wanted, units, node, hands.config);
  if (!workloads)
    throw new AgentError('precondition', notices.map(({ text }) => text).join('; '), {
      reason: 'no-kubernetes-api',
    });
  const { isDone, said } = await restartClusterWorkloads(workloads, hands, abort, createTend(hands));
  if (context.json) writeJson(context, 'restart', { done: isDone, restarted: [], said });
  else for (const { text } of said) line(text);
  return isDone ? EXIT.done : EXIT.deploymentFailed;
}
