import { reasonOfWait } from '../../inspection/rotation-notes.ts';
import type { Columns } from '../table.ts';
import { minute, short, type Terminal } from '../terminal.ts';
import type { FleetProblem, FleetRow } from './judge.ts';
import type { SourceKind } from './source.ts';

const WORDS: Readonly<Record<FleetProblem, string>> = {
  'no-report': 'no report: the agent is missing or too old',
  'bad-report': 'its report cannot be read',
  'not-ready': 'not ready',
  'agent-silent': 'no report for two hours',
  'cloud-silent': 'no complete pass for two hours',
  'old-report': 'its report is older than a day',
  'in-phase': 'a rotation is under way',
  waits: 'waits',
  'certificate-ends': 'a certificate ends within 30 days',
  'other-cas': 'other CAs than most nodes',
  'other-version': 'another version than most nodes',
};

/** In a stack, a missing report may also be one that is still to come. */
const NO_REPORT_YET = 'no report: its deployment is not answered yet, or the agent is missing or too old';

const FORGERS: Readonly<Record<SourceKind, string>> = {
  nodes: 'every user with write access to Nodes can forge these reports',
  stack:
    'everyone who may signal a deployment of the stack, such as root on each of its nodes, can forge these reports',
};

/** The columns, each with its rank: see table.ts. @param time the moment that tells the age of a row */
const columnsWith = (time: Columns): Columns => ({
  node: 0,
  role: 6,
  phase: 1,
  CA: 2,
  'days left': 3,
  version: 5,
  ...time,
  'waits for': 2,
  problem: 0,
});

const COLUMNS: Readonly<Record<SourceKind, Columns>> = {
  nodes: columnsWith({ 'last pass': 4 }),
  stack: columnsWith({ reported: 1 }),
};

/** Shows the fleet to a person. @param now milliseconds since the epoch */
export async function showFleet(
  rows: readonly FleetRow[],
  kind: SourceKind,
  now: number,
  { line, table, paint }: Terminal,
): Promise<void> {
  await table(
    COLUMNS[kind],
    rows.map((row) => cellsOf(row, kind).map(onOneLine)),
  );
  for (const why of new Set(rows.flatMap(({ report }) => report?.waits?.why ?? []))) {
    const meaning = reasonOfWait(why);
    if (meaning !== undefined) line(`  ${why}: ${meaning}`);
  }
  const phases = Map.groupBy(
    rows.flatMap(({ report }) => report?.phase ?? []),
    (phase) => phase,
  );
  const isUnderWay = phases.has('trust') || phases.has('reissue');
  const counts = [...phases].map(([phase, of]) => `${of.length} ${phase}`);
  const well = rows.filter(({ problems }) => problems.length === 0).length;
  const isWell = rows.length > 0 && well === rows.length;
  line(
    `${isWell ? paint('green', '✓') : paint('red', '✗')} ${well} of ${rows.length} nodes are well and alike at ${minute(new Date(now).toISOString())}${isUnderWay ? `; phases: ${counts.join(', ')}` : ''}`,
  );
  line(paint('dim', `unproven: ${FORGERS[kind]}`));
}

function cellsOf({ node, role, report, daysLeft, problems }: FleetRow, kind: SourceKind): string[] {
  const words = kind === 'stack' ? { ...WORDS, 'no-report': NO_REPORT_YET } : WORDS;
  return [
    node,
    role ?? '-',
    report?.phase ?? '-',
    report?.cas.map(short).join(' + ') ?? '-',
    daysLeft === undefined ? '-' : String(daysLeft),
    report?.agent ?? '-',
    minute(kind === 'stack' ? report?.at : report?.passAt),
    report?.waits ? [report.waits.why, report.waits.for.join(', ')].filter(Boolean).join(': ') : '-',
    problems.length === 0 ? 'ok' : problems.map((problem) => words[problem]).join('; '),
  ];
}

/** A forged report must not add lines to the table. */
const onOneLine = (cell: string): string => cell.replaceAll(/\p{Cc}/gu, ' ');
