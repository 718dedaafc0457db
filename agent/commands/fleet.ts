import { systemClock } from '../../src/base/clock.ts';
import { explain } from '../../src/base/errors.ts';
import { watchSignals } from '../lifecycle.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { listerByKubeconfig } from './fleet/by-kubeconfig.ts';
import { listByStack } from './fleet/by-stack.ts';
import { type FleetRow, judgeFleet } from './fleet/judge.ts';
import { listAsMaster } from './fleet/list-nodes.ts';
import { showFleet } from './fleet/show.ts';
import type { Source, SourceKind } from './fleet/source.ts';
import { watch } from './fleet/watch.ts';
import { writeJson } from './json-answer.ts';
import { createTerminal } from './terminal.ts';
import { textOption, type Verb } from './verb.ts';

/** ECMA-48: cursor to the first line, then "erase in display". */
const FROM_THE_TOP = '\u001B[H\u001B[2J';

/**
 * Shows one row for each node, from the reports of the agents on their Nodes or in the outputs of a stack. The exit code
 * is 1 if nodes differ or one is unhealthy.
 */
export const verb: Verb = async (context, options) => {
  const { stopping } = watchSignals();
  const { stdout } = context.world;
  const clock = context.instrument?.clock?.(systemClock) ?? systemClock;
  const terminal = createTerminal(stdout, context.secrets, { wide: options['wide'] === true });
  const sourceOf = (): Source => {
    const stack = textOption(options, 'stack');
    if (stack !== undefined)
      return { kind: 'stack', list: async () => await listByStack(stack, context, stopping) };
    const path = textOption(options, 'kubeconfig');
    if (path !== undefined)
      return { kind: 'nodes', list: listerByKubeconfig(path, context, clock, stopping) };
    return { kind: 'nodes', list: async () => await listAsMaster(context, stopping) };
  };
  const { kind, list } = sourceOf();
  const look = async (): Promise<FleetRow[]> => judgeFleet(await list(), kind, clock.now());
  if (options['watch'] === true)
    return await watch(
      async () => {
        const rows = await look();
        if (stdout.isTTY === true) stdout.write(FROM_THE_TOP);
        await showFleet(rows, kind, clock.now(), terminal);
        return codeFor(rows);
      },
      (error) => {
        terminal.line(`${terminal.paint('red', '✗')} ${explain(error)}`);
      },
      clock,
      stopping,
    );
  const rows = await look();
  if (context.json) writeJson(context, 'fleet', { unproven: UNPROVEN[kind], nodes: rows.map(asJson) });
  else await showFleet(rows, kind, clock.now(), terminal);
  return codeFor(rows);
};

const REPORTED = [
  'agent',
  'phase',
  'cas',
  'notAfter',
  'daysLeft',
  'waits',
  'reportedAt',
  'passAt',
  'problems',
];

/** Fields of a row that others can forge; docs/monitoring.md says who. */
const UNPROVEN: Readonly<Record<SourceKind, readonly string[]>> = {
  nodes: REPORTED,
  stack: ['node', 'role', ...REPORTED],
};

const codeFor = (rows: readonly FleetRow[]): ExitCode =>
  rows.length > 0 && rows.every(({ problems }) => problems.length === 0) ? EXIT.done : EXIT.deploymentFailed;

const asJson = ({ node, role, report, daysLeft, problems }: FleetRow) => ({
  node,
  role: role ?? 'worker',
  agent: report?.agent ?? null,
  phase: report?.phase ?? null,
  cas: report?.cas ?? [],
  notAfter: report?.notAfter ?? null,
  daysLeft: daysLeft ?? null,
  waits: report?.waits ?? null,
  reportedAt: report?.at ?? null,
  passAt: report?.passAt ?? null,
  problems,
});
