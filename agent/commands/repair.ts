import { NEVER } from '../../src/base/clock.ts';
import { AgentError, explain } from '../../src/base/errors.ts';
import type { Hands } from '../hands.ts';
import { type Change, foreseeChanges } from '../inspection/changes.ts';
import type { Difference } from '../inspection/differences.ts';
import { type Node, readNode } from '../node.ts';
import { withAddresses } from '../pass/addresses.ts';
import { intendToRebuild } from '../pass/intend-rebuild.ts';
import { recover } from '../pass/recover.ts';
import { isMended } from '../upkeep/decide.ts';
import { findDifferences } from '../upkeep/find-differences.ts';
import { readUpkeep } from '../upkeep/record.ts';
import { shareOfNode } from '../upkeep/share.ts';
import { carryOutInTurn, turnAsAsked } from './carry-out.ts';
import { EXIT } from './exit-code.ts';
import { outputsAs, writeJson } from './json-answer.ts';
import { Made } from './schemas/writing.ts';
import { createTerminal, type Terminal } from './terminal.ts';
import { type Context, onLockedNode, openHands, type Verb } from './verb.ts';

/** The run id of this verb's generation in the journal. */
const RUN_ID = 'repair';

/** Restores the desired state of the node's certificates and kubeconfigs with the same CA, if something differs. */
export const verb: Verb = async (context, options) => {
  const terminal = createTerminal(context.world.stdout, context.secrets);
  if (options['dryRun'] === true) return await show(context, options['force'] === true, terminal);
  const progress = context.json ? () => undefined : terminal.progress;
  return await onLockedNode(context, RUN_ID, progress, async (all, stopping) => {
    const hands = turnAsAsked(all, options);
    // An interrupted run may have left old or new files: finish it first.
    await recover(hands, stopping);
    const { differences } = await lookAt(hands, stopping);
    if (options['force'] !== true && !differences.some(isMended)) {
      if (context.json) writeJson(context, 'repair', { repaired: false, differences });
      else say(differences, [], terminal);
      return EXIT.done;
    }
    const { plan } = await intendToRebuild(hands, stopping);
    const outcome = await carryOutInTurn(plan, { runId: RUN_ID, hands, abort: stopping });
    if (context.json)
      writeJson(context, 'repair', { repaired: true, differences, ...outputsAs(Made, outcome) });
    else terminal.line(outcome.stdout.trimEnd());
    return EXIT.done;
  });
};

/** Shows the differences. The exit code is 1 when something would be repaired, so that scripts can check. */
async function show(context: Context, isForced: boolean, terminal: Terminal): Promise<0 | 1> {
  const hands = await openHands(context, () => undefined);
  try {
    const { node, differences } = await lookAt(hands, NEVER);
    const isRepaired = isForced || differences.some(isMended);
    const { changes, why } = isRepaired ? await foresee(node, hands) : { changes: [], why: undefined };
    if (context.json) writeJson(context, 'repair', { repaired: false, differences, changes, why });
    else {
      say(differences, changes, terminal);
      if (why !== undefined) terminal.line(`the changes of the files cannot be shown: ${why}`);
    }
    return isRepaired ? EXIT.deploymentFailed : EXIT.done;
  } finally {
    hands.close();
  }
}

/** @returns `why` the changes cannot be predicted: the repair itself would report it, or ask Magnum for missing data */
async function foresee(node: Node, hands: Hands): Promise<{ changes: Change[]; why: string | undefined }> {
  try {
    return { changes: await foreseeChanges(node, hands, NEVER), why: undefined };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { changes: [], why: explain(error) };
  }
}

async function lookAt(hands: Hands, abort: AbortSignal): Promise<{ node: Node; differences: Difference[] }> {
  const node = await withAddresses(await readNode(hands), hands, abort);
  const { differences } = await findDifferences(
    node,
    await readUpkeep(hands),
    { share: shareOfNode(node, hands), ports: true },
    hands,
    abort,
  );
  return { node, differences };
}

function say(
  differences: readonly Difference[],
  changes: readonly Change[],
  { line, paint }: Terminal,
): void {
  if (differences.length === 0) line('the node is as it should be');
  for (const { severity, text } of differences)
    line(`${paint(severity === 'critical' ? 'red' : 'yellow', severity === 'critical' ? '✗' : '!')} ${text}`);
  for (const { lines } of changes)
    for (const text of lines)
      line(/^\+(?!\+)/.test(text) ? paint('green', text) : /^-(?!-)/.test(text) ? paint('red', text) : text);
}
