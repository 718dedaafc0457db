import type { Outcome } from '../../src/deployment/deployment.ts';
import { isGivenUp } from '../../src/deployment/ledger.ts';
import { bringsFacts, SERVED_COLLECTORS } from '../../src/metadata/collector.ts';
import { EXIT } from './exit-code.ts';
import type { Hands } from '../hands.ts';
import { findInterrupted } from '../inspection/interrupted.ts';
import { rotationState } from '../inspection/rotation-state.ts';
import { readPassRecord } from '../status-file.ts';
import { createTerminal } from './terminal.ts';
import { openHands, type Verb, writeJson } from './verb.ts';

/** What has been done on this node, newest last, and how the last pass went. */
export const verb: Verb = async (context) => {
  const hands = await openHands(context, () => undefined);
  try {
    const last = await readPassRecord(hands);
    const entries = hands.ledger.entries();
    const interrupted = await findInterrupted(hands);
    const rotation = await rotationState(hands);
    if (context.json) {
      const deployments = entries.map((entry) => ({
        ...entry,
        signal: entry.signal?.transport,
        outcome: shown(entry.outcome),
      }));
      writeJson(context, {
        polling: pollingOf(hands),
        lastPass: last ?? null,
        interrupted: interrupted ?? null,
        rotation,
        deployments,
      });
      return EXIT.done;
    }
    const { line, paint, table } = createTerminal(context.world.stdout, context.secrets);
    line(pollingOf(hands));
    line(last ? `last pass ${last.at}` : 'no pass since the node was started');
    for (const { collector, why } of last?.answers ?? [])
      if (why === undefined) line(`  ${paint('green', '✓')} ${collector} answered`);
      // Those of the others are among the problems.
      else if (isFacts(collector)) line(`  ${paint('yellow', '!')} ${collector}: ${why}`);
    for (const problem of last?.problems ?? []) line(`  ${paint('red', '✗')} ${problem}`);
    for (const { id, why } of last?.open ?? [])
      line(`  ${paint('yellow', '!')} the result of ${id} is not acknowledged yet: ${why}`);
    if (interrupted) line(`  ${paint('yellow', '!')} ${interrupted.text}`);
    for (const { message } of rotation.notes) line(`  ${paint('yellow', '!')} ${message}`);
    for (const id of await hands.runs.runs.list()) {
      const { is } = await hands.runs.runs.look(id);
      const { stdout, stderr } = hands.runs.runs.filesOf(id);
      if (is === 'running')
        line(
          `  ${paint('cyan', '…')} the run of ${id} is under way; what it prints is in ${stdout} and ${stderr}`,
        );
    }
    if (entries.length === 0) line('no deployments yet');
    else {
      const rows = entries.map((entry) => {
        const { id, group, action, state, at, outcome } = entry;
        return [
          id,
          group,
          action,
          isGivenUp(entry) ? `${state}, not listed any more` : state,
          outcome ? (outcome.statusCode === 0 ? 'ok' : `failed (${outcome.statusCode})`) : '-',
          at[state] ?? '',
        ];
      });
      await table(['deployment', 'group', 'action', 'state', 'outcome', 'since'], rows);
      for (const { id, outcome } of entries)
        if (outcome && outcome.statusCode !== 0)
          line(`  ${paint('red', '✗')} ${id}: ${outcome.stderr.trimEnd()}`);
    }
    return EXIT.done;
  } finally {
    hands.close();
  }
};

/** The outputs' names are in the entry; their values are Heat's business. */
const shown = (outcome: Outcome | undefined): unknown => outcome && { ...outcome, outputs: undefined };

/** Whether it is a collector of facts alone, whose silence is no problem. */
const isFacts = (name: string): boolean => SERVED_COLLECTORS.some((one) => one === name && bringsFacts(one));

/** How the node polls, and who says so. */
const pollingOf = ({ pollingOverride, config }: Hands): string =>
  pollingOverride.describe()?.text ??
  `polls with ${config.collectors.join(', ')}, as ${config.sources.join(', ')} says`;
