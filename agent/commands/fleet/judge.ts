import { LIMITS } from '../../inspection/health.ts';
import type { Report } from '../../inspection/report.ts';
import type { FleetNode, SourceKind } from './source.ts';

/** Why `agent fleet` does not exit with 0 because of this node. */
export type FleetProblem =
  /** There is no report, or none that this version can read. */
  | 'no-report'
  | 'bad-report'
  /** Its Node is not ready in Kubernetes. */
  | 'not-ready'
  /** The agent has written no report for two hours, or has had no answer of the cloud for as long. */
  | 'agent-silent'
  | 'cloud-silent'
  /** In a stack: the report is older than a day. */
  | 'old-report'
  /** A rotation is under way. */
  | 'in-phase'
  | 'waits'
  /** A certificate ends within 30 days. */
  | 'certificate-ends'
  /** It trusts other CAs than most nodes, or has another version. */
  | 'other-cas'
  | 'other-version';

/** A node with its problems. The agent's report is not proof. */
export type FleetRow = {
  node: string;
  role: FleetNode['role'];
  report: Report | undefined;
  daysLeft: number | undefined;
  problems: FleetProblem[];
};

/** Reports are repeated about once an hour. After a rejection by the API they are delayed by half an hour. */
const SILENT_MS = 2 * 3_600_000;
const DAY_MS = 86_400_000;

/** Finds the problems of every node, masters first. @param now milliseconds since the epoch */
export function judgeFleet(nodes: readonly FleetNode[], kind: SourceKind, now: number): FleetRow[] {
  const reports = nodes.flatMap(({ report }) => (typeof report === 'object' ? [report] : []));
  const usualCas = mostFrequent(reports.map(casOf));
  const usualVersion = mostFrequent(reports.map(({ agent }) => agent));
  return nodes.toSorted(byRoleAndName).map(({ node, role, isReady, report }) => {
    const problems: FleetProblem[] = isReady ? [] : ['not-ready'];
    if (typeof report === 'string')
      return { node, role, report: undefined, daysLeft: undefined, problems: [...problems, report] };
    const left = report.notAfter === undefined ? undefined : Date.parse(report.notAfter) - now;
    problems.push(...AGES[kind](report, now));
    if (report.phase !== 'none') problems.push('in-phase');
    if (report.waits) problems.push('waits');
    if (left !== undefined && left < LIMITS.endsMs) problems.push('certificate-ends');
    if (casOf(report) !== usualCas) problems.push('other-cas');
    if (report.agent !== usualVersion) problems.push('other-version');
    const daysLeft = left === undefined ? undefined : Math.floor(left / DAY_MS);
    return { node, role, report, daysLeft, problems };
  });
}

const isOlder = (moment: string | undefined, ms: number, now: number): boolean =>
  now - Date.parse(moment ?? '') > ms;

/** What the age of a report tells. */
const AGES: Readonly<Record<SourceKind, (report: Report, now: number) => FleetProblem[]>> = {
  nodes: ({ at, passAt }, now) => {
    if (isOlder(at, SILENT_MS, now)) return ['agent-silent'];
    return passAt === undefined || isOlder(passAt, SILENT_MS, now) ? ['cloud-silent'] : [];
  },
  stack: ({ at }, now) => (isOlder(at, DAY_MS, now) ? ['old-report'] : []),
};

/** `node-10` comes after `node-9`. */
const names = new Intl.Collator('en', { numeric: true });
const byRoleAndName = (a: FleetNode, b: FleetNode): number =>
  Number(b.role === 'master') - Number(a.role === 'master') || names.compare(a.node, b.node);

const casOf = ({ cas }: Report): string => cas.join();

/** Returns undefined when several values are equally frequent: then none is the usual one. */
function mostFrequent(values: readonly string[]): string | undefined {
  const counts = [...Map.groupBy(values, (value) => value)].map(([value, same]) => ({
    value,
    count: same.length,
  }));
  const most = Math.max(0, ...counts.map(({ count }) => count));
  const first = counts.filter(({ count }) => count === most);
  return first.length === 1 ? first[0]?.value : undefined;
}
