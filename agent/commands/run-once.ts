import { AgentError, explain } from '../../src/base/errors.ts';
import { EXIT, exitCodeOfPass } from './exit-code.ts';
import type { Hands } from '../hands.ts';
import { findInterrupted, isStuck } from '../inspection/interrupted.ts';
import { type Holding, takeInventory } from '../inspection/inventory.ts';
import { readNode } from '../node.ts';
import { newMemory, pass, type PassResult } from '../pass.ts';
import { turnAsAsked } from './carry-out.ts';
import { openReporting } from '../reporting.ts';
import type { Answer } from './schemas.ts';
import { CHANGES, changesBetween, createTerminal, type Terminal } from './terminal.ts';
import { problemOf, writeJson } from './json-answer.ts';
import { onLockedNode, readMetadataOption, textOption, type Verb } from './verb.ts';
import { verb as plan } from './plan.ts';

/** Runs one pass for a person on the node. */
export const verb: Verb = async (context, options, name) => {
  if (options['dryRun'] === true) return await plan(context, options, name);
  const metadata = await readMetadataOption(options);
  const terminal = createTerminal(context.world.stdout, context.secrets, {
    wide: options['wide'] === true,
  });
  const progress = context.json ? () => undefined : terminal.progress;
  return await onLockedNode(context, 'run-once', progress, async (all, stopping) => {
    const hands = turnAsAsked(all, options);
    const before = await inventoryOf(hands);
    const interrupted = await findInterrupted(hands);
    if (interrupted && !context.json) terminal.line(`${terminal.paint('yellow', '!')} ${interrupted.text}`);
    const reporting = await openReporting(hands);
    const result = await pass(reporting.watch(hands), newMemory(), stopping, {
      ...(metadata ? { metadata } : {}),
      force: textOption(options, 'force'),
    });
    await reporting.passed(result);
    const after = await inventoryOf(hands);
    const left = await findInterrupted(hands);
    if (context.json) writeJson(context, 'run-once', { interrupted: left ?? null, ...asJson(result) });
    else await summarize(result, before, after, interrupted !== undefined, terminal);
    return exitCodeOfPass(result) || (isStuck(left) ? EXIT.deploymentFailed : EXIT.done);
  });
};

/** Lists the node's certificates; empty for a node that is not set up yet. */
async function inventoryOf(hands: Hands): Promise<Holding[]> {
  try {
    const { layout } = await readNode(hands);
    return await takeInventory(hands.disk, layout, hands.clock.now());
  } catch (error) {
    if (error instanceof AgentError) return [];
    throw error;
  }
}

async function summarize(
  result: PassResult,
  before: Holding[],
  after: Holding[],
  wasInterrupted: boolean,
  terminal: Terminal,
): Promise<void> {
  const { line, paint } = terminal;
  for (const problem of result.problems) line(`${paint('red', '✗')} ${explain(problem)}`);
  for (const { id, group } of result.unserved)
    line(
      `${paint('yellow', '!')} deployment ${id}: ignored, this node has no hook for the group ${JSON.stringify(group)}`,
    );
  for (const { id, outcome } of result.settled)
    if (outcome.is === 'failed')
      line(`${paint('red', '✗')} deployment ${id} failed: ${outcome.stderr.trimEnd()}`);
  const changes = changesBetween(before, after);
  if (changes.length > 0) {
    line();
    line(paint('bold', 'changes'));
    await terminal.table(CHANGES, changes);
  } else if (result.settled.length === 0 && result.problems.length === 0 && !wasInterrupted)
    line('nothing to do');
  for (const { id, why } of result.open)
    line(`${paint('yellow', '!')} the result of ${id} is not acknowledged yet: ${why}; next: agent run-once`);
  for (const settled of result.settled)
    if (settled.outcome.is === 'succeeded') line(`${paint('green', '✓')} ${inOneLine(settled)}`);
}

/** Formats the first line of a deployment's outcome and its duration. */
function inOneLine({ id, outcome, durationMs }: PassResult['settled'][number]): string {
  const [first = ''] = outcome.stdout.split('\n');
  const took = durationMs === undefined ? '' : `, in ${(durationMs / 1000).toFixed(1)} s`;
  return `deployment ${id}: ${first || 'done'}${took}`;
}

const asJson = ({
  settled,
  problems,
  open,
  unserved,
}: PassResult): Omit<Answer<'run-once'>, 'interrupted'> => ({
  settled,
  problems: problems.map(problemOf),
  unacknowledged: open,
  unserved,
});
