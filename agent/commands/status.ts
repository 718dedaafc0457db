import { holderOf } from '../../src/base/lock.ts';
import { type Entry, isGivenUp } from '../../src/deployment/ledger.ts';
import { bringsFacts, SERVED_COLLECTORS } from '../../src/metadata/collector.ts';
import { AgentError, explain } from '../../src/base/errors.ts';
import { EXIT, exitCodeOf } from './exit-code.ts';
import { openConfigured, openUnconfigured } from './open-anyway.ts';
import type { Hands } from '../hands.ts';
import { illnessesOf } from '../inspection/health.ts';
import { findInterrupted } from '../inspection/interrupted.ts';
import { rotationState } from '../inspection/rotation-state.ts';
import { readHeldTurn } from '../peers/held-turn.ts';
import { readUpkeep } from '../upkeep/record.ts';
import { readPassRecord } from '../status-file.ts';
import { waitingInWords, waitingOf } from './current-work.ts';
import { healthFactsOf } from './health-facts.ts';
import { readWaiting } from '../waiting.ts';
import type { Answer } from './schemas.ts';
import { createTerminal } from './terminal.ts';
import { writeJson } from './json-answer.ts';
import { lockPathOf, type Verb } from './verb.ts';

/** Shows the deployments of this node, newest last, and the last pass. */
export const verb: Verb = async (context, options) => {
  if (options['check'] === true) {
    const { checkStatus } = await import('./status-check.ts');
    return await checkStatus(context);
  }
  const configured = await openConfigured(context);
  const fault = configured instanceof AgentError ? configured : undefined;
  // The daemon waits for a configuration, or goes on with the former one.
  const hands = configured instanceof AgentError ? await openUnconfigured(context) : configured;
  try {
    const last = await readPassRecord(hands);
    const entries = hands.ledger.entries();
    const rotation = await rotationState(hands);
    const holder = await holderOf(lockPathOf(context));
    const interrupted = await findInterrupted(hands, holder);
    const waiting = holder && (await readWaiting(hands.disk, holder.since));
    const turnSince = holder && (await readHeldTurn(hands.disk, holder.since));
    const failures = entries.filter(isFailed);
    const { lookedAt, differences, awaitsRotation } = await readUpkeep(hands);
    const health = [
      ...(fault ? [{ code: 'unconfigured', level: 'critical', text: explain(fault) } as const] : []),
      ...illnessesOf(await healthFactsOf(context, hands)),
    ];
    const code = fault ? exitCodeOf(fault) : health.length === 0 ? EXIT.done : EXIT.deploymentFailed;
    const success = entries.findLast(({ outcome }) => outcome?.is === 'succeeded');
    if (context.json) {
      writeJson(context, 'status', {
        health,
        holder: holder ? { name: holder.name, since: isoOf(holder.since) } : null,
        waiting: waitingOf(waiting),
        turn: turnSince === undefined ? null : { since: isoOf(turnSince) },
        polling: pollingOf(hands),
        lastPass: last ?? null,
        interrupted: interrupted ?? null,
        rotation,
        desired:
          lookedAt === undefined
            ? null
            : {
                comparedAt: isoOf(lookedAt),
                differences: differences.map((one) => ({ ...one, toldAt: undefined })),
                renewalWaitsSince: awaitsRotation === undefined ? null : isoOf(awaitsRotation),
              },
        lastSuccess: success?.id ?? null,
        lastFailure: failures.at(-1)?.id ?? null,
        deployments: entries.map(deploymentOf),
      });
      return code;
    }
    const { line, paint, table } = createTerminal(context.world.stdout, context.secrets, {
      wide: options['wide'] === true,
    });
    line(
      holder
        ? `${holder.name} since ${isoOf(holder.since)}`
        : `${paint('yellow', '!')} the daemon does not run: systemctl status coe-agent`,
    );
    for (const { code: what, level, text } of health)
      // The other problems are shown in their own sections.
      if (what !== 'daemon-down' && what !== 'node-differs')
        line(level === 'critical' ? `${paint('red', '✗')} ${text}` : `${paint('yellow', '!')} ${text}`);
    if (waiting) line(`  ${paint('yellow', '!')} ${waitingInWords(waiting)}`);
    if (turnSince !== undefined)
      line(
        `  ${paint('cyan', '…')} holds the turn of the masters since ${isoOf(turnSince)}; the others wait`,
      );
    if (!fault) line(pollingOf(hands).text);
    if (last) line(`last pass ${last.at}`);
    for (const { collector, why } of last?.answers ?? [])
      if (why === undefined) line(`  ${paint('green', '✓')} ${collector} answered`);
      // Problems of the other collectors are in `problems`.
      else if (isFacts(collector)) line(`  ${paint('yellow', '!')} ${collector}: ${why}`);
    for (const { message } of last?.problems ?? []) line(`  ${paint('red', '✗')} ${message}`);
    if (last && last.problems.length > 0)
      line(`  the last complete pass was ${last.completeAt ?? 'before the node was started'}`);
    for (const { id, why } of last?.open ?? [])
      line(`  ${paint('yellow', '!')} the result of ${id} is not acknowledged yet: ${why}`);
    if (interrupted)
      line(`  ${interrupted.isUnderWay ? paint('cyan', '…') : paint('yellow', '!')} ${interrupted.text}`);
    if (rotation.oldCaEndedAt !== undefined)
      line(`this node accepts no certificate of the old CA since ${rotation.oldCaEndedAt}`);
    for (const { message } of rotation.notes) line(`  ${paint('yellow', '!')} ${message}`);
    if (lookedAt !== undefined && differences.length > 0)
      line(`compared with its desired state ${isoOf(lookedAt)}:`);
    for (const { severity, text } of differences)
      line(`  ${severity === 'critical' ? paint('red', '✗') : paint('yellow', '!')} ${text}`);
    if (awaitsRotation !== undefined)
      line(
        `  ${paint('cyan', '…')} since ${isoOf(awaitsRotation)}, a renewal of the certificates waits for the rotation to end`,
      );
    for (const id of await hands.runs.runs.list()) {
      const { is } = await hands.runs.runs.look(id);
      const { stdout, stderr } = hands.runs.runs.filesOf(id);
      if (is === 'running')
        line(
          `  ${paint('cyan', '…')} the run of ${id} is under way; its output is in ${stdout} and ${stderr}`,
        );
    }
    if (entries.length === 0) line('no deployments yet');
    else {
      const isAll = options['all'] === true;
      const rows = entries.slice(isAll ? 0 : -RECENT).map((entry) => {
        const { id, group, action, state, at, outcome } = entry;
        return [
          id,
          group,
          action,
          isGivenUp(entry) ? `${state}, no longer listed` : state,
          outcome ? (outcome.is === 'succeeded' ? 'ok' : `failed (${outcome.statusCode})`) : '-',
          at[state] ?? '',
        ];
      });
      await table({ deployment: 0, group: 3, action: 4, state: 1, outcome: 0, since: 2 }, rows);
      if (entries.length > rows.length) line(`${entries.length - rows.length} older ones; --all shows them`);
      if (success) line(`${paint('green', '✓')} last success: ${success.id}, ${endOf(success)}`);
      for (const failure of isAll ? failures : failures.slice(-1))
        line(
          `${paint('red', '✗')} ${failure === failures.at(-1) ? 'last failure' : 'failure'}: ${failure.id}, ${endOf(failure)}: ${failure.outcome?.stderr.trimEnd() ?? ''}`,
        );
    }
    return code;
  } finally {
    hands.close();
  }
};

/** How many deployments are shown without `--all`. */
const RECENT = 10;

const isFailed = ({ outcome }: Entry): boolean => outcome?.is === 'failed';

const isoOf = (ms: number): string => new Date(ms).toISOString();

/** Returns when the work of a deployment ended. */
const endOf = ({ at, state }: Entry): string => at['finished'] ?? at[state] ?? '';

/** Converts an entry of the ledger for `--json`, without the address of its signal and the values of its outputs. */
const deploymentOf = (entry: Entry): Answer<'status'>['deployments'][number] => {
  const { id, name, group, action, resource, createdAt, state, at, begun = 0, signal, outcome } = entry;
  return {
    id,
    name,
    group,
    action,
    resource,
    createdAt: createdAt === 0 ? null : isoOf(createdAt),
    state,
    at,
    timesBegun: begun,
    isGivenUp: isGivenUp(entry),
    signal: signal?.transport ?? null,
    outcome: outcome ? { ...outcome, outputs: undefined } : null,
  };
};

/** Whether a collector only provides facts. Its failure is not a problem. */
const isFacts = (name: string): boolean => SERVED_COLLECTORS.some((one) => one === name && bringsFacts(one));

/** Returns how the node polls, and where that is configured. */
function pollingOf({ pollingOverride, config: { collectors, sources } }: Hands): Answer<'status'>['polling'] {
  if (sources.length === 0)
    return { code: 'unconfigured', collectors, sources, text: 'no usable configuration' };
  const { state, text } = pollingOverride.describe() ?? {
    state: 'configured',
    text: `polls with ${collectors.join(', ')}, as ${sources.join(', ')} says`,
  };
  return { code: state, collectors, sources, text };
}
