import * as v from 'valibot';
import { JsonText } from '../../../src/base/json.ts';
import type { NodeObject } from '../../../src/services/node-annotations.ts';
import { LIMITS } from '../../inspection/health.ts';
import { Report } from '../../node-report/report.ts';

/** Why `agent fleet` does not exit with 0 because of this node. */
export type FleetProblem =
  /** Its Node has no report, or none that this version can read. */
  | 'no-report'
  | 'bad-report'
  /** Its Node is not ready in Kubernetes. */
  | 'not-ready'
  /** The agent has written no report for two hours, or has had no answer of the cloud for as long. */
  | 'agent-silent'
  | 'cloud-silent'
  /** A rotation is under way. */
  | 'in-phase'
  | 'waits'
  /** A certificate ends within 30 days. */
  | 'certificate-ends'
  /** It trusts other CAs than most nodes, or has another version. */
  | 'other-cas'
  | 'other-version';

/** A node as described by its Node. The agent's report is not proof. */
export type FleetRow = {
  node: string;
  role: 'master' | 'worker';
  report: Report | undefined;
  daysLeft: number | undefined;
  problems: FleetProblem[];
};

/** Reports are repeated about once an hour. After a rejection by the API they are delayed by half an hour. */
const SILENT_MS = 2 * 3_600_000;
const DAY_MS = 86_400_000;

/** Finds the problems of every node. @param now milliseconds since the epoch */
export function judgeFleet(nodes: readonly NodeObject[], now: number): FleetRow[] {
  const read = nodes.map((node) => ({ node, report: reportIn(node) }));
  const reports = read.flatMap(({ report }) => (typeof report === 'object' ? [report] : []));
  const usualCas = mostFrequent(reports.map(casOf));
  const usualVersion = mostFrequent(reports.map(({ agent }) => agent));
  return read.map(({ node, report }) => {
    const problems: FleetProblem[] = node.isReady ? [] : ['not-ready'];
    const known = { node: node.name, role: node.isMaster ? 'master' : 'worker' } as const;
    if (typeof report === 'string')
      return { ...known, report: undefined, daysLeft: undefined, problems: [...problems, report] };
    const left = report.notAfter === undefined ? undefined : Date.parse(report.notAfter) - now;
    const isOlder = (moment: string | undefined): boolean => now - Date.parse(moment ?? '') > SILENT_MS;
    if (isOlder(report.at)) problems.push('agent-silent');
    else if (report.passAt === undefined || isOlder(report.passAt)) problems.push('cloud-silent');
    if (report.phase !== 'none') problems.push('in-phase');
    if (report.waits) problems.push('waits');
    if (left !== undefined && left < LIMITS.endsMs) problems.push('certificate-ends');
    if (casOf(report) !== usualCas) problems.push('other-cas');
    if (report.agent !== usualVersion) problems.push('other-version');
    return {
      ...known,
      report,
      daysLeft: left === undefined ? undefined : Math.floor(left / DAY_MS),
      problems,
    };
  });
}

const Written = v.pipe(JsonText, Report);

function reportIn({ annotations }: NodeObject): Report | 'no-report' | 'bad-report' {
  const text = annotations['report'];
  if (text === undefined) return 'no-report';
  const parsed = v.safeParse(Written, text);
  return parsed.success ? parsed.output : 'bad-report';
}

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
