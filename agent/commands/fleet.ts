import { systemClock } from '../../src/base/clock.ts';
import { explain } from '../../src/base/errors.ts';
import { watchSignals } from '../lifecycle.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { listerByKubeconfig } from './fleet/by-kubeconfig.ts';
import { type FleetProblem, type FleetRow, judgeFleet } from './fleet/judge.ts';
import { listAsMaster } from './fleet/list-nodes.ts';
import { watch } from './fleet/watch.ts';
import { writeJson } from './json-answer.ts';
import { createTerminal, minute, short, type Terminal } from './terminal.ts';
import { textOption, type Verb } from './verb.ts';

/** ECMA-48: cursor to the first line, then "erase in display". */
const FROM_THE_TOP = '\u001B[H\u001B[2J';

/**
 * Shows one row for each node, from the reports that agents write on their Nodes. The exit code is 1 if nodes differ or
 * one is unhealthy.
 */
export const verb: Verb = async (context, options) => {
  const { stopping } = watchSignals();
  const path = textOption(options, 'kubeconfig');
  const { stdout } = context.world;
  const clock = context.instrument?.clock?.(systemClock) ?? systemClock;
  const terminal = createTerminal(stdout, context.secrets, { wide: options['wide'] === true });
  const list =
    path === undefined
      ? async () => await listAsMaster(context, stopping)
      : listerByKubeconfig(path, context, clock, stopping);
  const look = async (): Promise<FleetRow[]> => judgeFleet(await list(), clock.now());
  if (options['watch'] === true)
    return await watch(
      async () => {
        const rows = await look();
        if (stdout.isTTY === true) stdout.write(FROM_THE_TOP);
        await show(rows, terminal);
        return codeFor(rows);
      },
      (error) => {
        terminal.line(`${terminal.paint('red', '✗')} ${explain(error)}`);
      },
      clock,
      stopping,
    );
  const rows = await look();
  if (context.json) writeJson(context, 'fleet', { unproven: UNPROVEN, nodes: rows.map(asJson) });
  else await show(rows, terminal);
  return codeFor(rows);
};

/** Fields of a row that come from the Node's annotation. Every user with write access to Nodes can forge them. */
const UNPROVEN = [
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

const codeFor = (rows: readonly FleetRow[]): ExitCode =>
  rows.length > 0 && rows.every(({ problems }) => problems.length === 0) ? EXIT.done : EXIT.deploymentFailed;

const asJson = ({ node, role, report, daysLeft, problems }: FleetRow) => ({
  node,
  role,
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

const COLUMNS = {
  node: 0,
  role: 6,
  phase: 1,
  CA: 2,
  'days left': 3,
  version: 5,
  'last pass': 4,
  'waits for': 2,
  problem: 0,
};

const WORDS: Readonly<Record<FleetProblem, string>> = {
  'no-report': 'no report: the agent is missing or too old',
  'bad-report': 'its report cannot be read',
  'not-ready': 'not ready',
  'agent-silent': 'no report for two hours',
  'cloud-silent': 'no complete pass for two hours',
  'in-phase': 'a rotation is under way',
  waits: 'waits',
  'certificate-ends': 'a certificate ends within 30 days',
  'other-cas': 'other CAs than most nodes',
  'other-version': 'another version than most nodes',
};

async function show(rows: readonly FleetRow[], { line, table, paint }: Terminal): Promise<void> {
  const cells = rows.map(({ node, role, report, daysLeft, problems }) => [
    node,
    role,
    report?.phase ?? '-',
    report?.cas.map(short).join(' + ') ?? '-',
    daysLeft === undefined ? '-' : String(daysLeft),
    report?.agent ?? '-',
    minute(report?.passAt),
    report?.waits ? [report.waits.why, report.waits.for.join(', ')].filter(Boolean).join(': ') : '-',
    problems.length === 0 ? 'ok' : problems.map((problem) => WORDS[problem]).join('; '),
  ]);
  await table(COLUMNS, cells);
  const isWell = codeFor(rows) === EXIT.done;
  const well = rows.filter(({ problems }) => problems.length === 0).length;
  line(
    `${isWell ? paint('green', '✓') : paint('red', '✗')} ${well} of ${rows.length} nodes are well and alike`,
  );
  line(paint('dim', 'unproven: every user with write access to Nodes can forge these reports'));
}
