import { shellQuote } from '../../src/base/shell-quote.ts';

/** The result of one check. */
export type Finding = {
  /** The stable id of the check. */
  id: FindingId;
  /** `bad`: the node is faulty now, or a rotation would fail. */
  verdict: 'good' | 'warning' | 'bad';
  /** The subject: a path, a unit, a collector, a kind of CA. */
  of?: string;
  /** Distinguishes causes that share an id; stable. */
  reason?: string;
  /** A rotation repairs this, so the finding does not block one. */
  isMended?: true;
  /** The text for a person. */
  what: string;
  /** The address of the request. */
  url?: string;
  /** The login of the request. */
  login?: string;
  /** The command to run next; defaults to the one of the table. */
  next?: string;
};

type About = Pick<Finding, 'of' | 'url'>;

const path = ({ of = '' }: About): string => shellQuote(of);
const unit = ({ of = '' }: About): string => shellQuote(of);
const curl = ({ url }: About): string | undefined =>
  url === undefined ? undefined : `curl -sS -m 10 ${shellQuote(url)}`;

/**
 * All checks, each with the command to run next if it is not good, in the order of repair: commands that others depend
 * on come first. A check may provide a more specific command.
 */
const NEXT = {
  /** Only root can change a file that decides what the agent does, or read one that holds secrets. */
  permissions: (about) => `ls -l ${path(about)}`,
  /** agent.yaml and its drop-ins are usable. */
  configuration: (about) => `vi ${path(about)}`,
  /** Another agent serves the node. */
  'second-agent': () => 'agent migrate --dry-run',
  /** heat-params has every required value, well-formed. */
  'heat-params': (about) => `vi ${path(about)}`,
  /** This node's clock agrees with the cloud's. */
  clock: () => 'timedatectl',
  /** Files can be replaced in their directories. */
  disk: (about) => `df -h ${path(about)}`,
  /** A kubeconfig can be parsed. */
  kubeconfig: (about) => `vi ${path(about)}`,
  /** No rotation is interrupted or stuck. */
  generation: () => 'agent run-once',
  /** A collector answers. */
  collector: curl,
  /** The metadata is well-formed. */
  metadata: () => 'agent plan',
  /** The polling configuration from the metadata. */
  'polling-override': () => 'agent status',
  /** The node's own login. */
  trust: curl,
  /** The roles that its trust delegates. */
  'trust-roles': () => undefined,
  /** Magnum serves a CA. */
  'magnum-ca': curl,
  /** A record of the agent is intact. */
  record: () => 'agent run-once',
  /** A certificate of the layout exists, is valid and signed by its CA, and its key fits. */
  certificate: () => 'agent make-cert --force && agent restart',
  /** A unit exists and runs. */
  unit: (about) => `systemctl status ${unit(about)}`,
  /** A unit presents a certificate at its address. */
  port: (about) => `agent restart --unit ${unit(about)}`,
  /** The certificate that it presents is the one in its file. */
  presented: (about) => `agent restart --unit ${unit(about)}`,
  /** A unit reports that it is healthy. */
  health: (about) => `journalctl -n 50 -u ${unit(about)}`,
  /** The Kubernetes API accepts a unit's kubeconfig. */
  credential: () => 'agent certs',
  'revocation-list': () => 'agent revoke --crl revoked.pem',
  /** The node trusts the CA that Magnum serves. */
  authority: () => 'agent plan',
  /** The node's certificates have the right names and the right CA. */
  difference: () => 'agent repair --dry-run',
  /** No rotation is between two phases. */
  rotation: () => 'agent status',
  /** The last deployment did not fail. */
  deployment: () => 'agent status',
  /** A rotation renews a copy of a certificate. */
  copy: () => 'agent certs',
  /** The daemon runs. */
  daemon: () => 'systemctl start coe-agent',
} satisfies Record<string, (about: About) => string | undefined>;

export type FindingId = keyof typeof NEXT;

/** Findings that an interrupted or stuck rotation causes. Its command comes first, followed by another check. */
const EXPLAINED: ReadonlySet<FindingId> = new Set<FindingId>(['presented', 'certificate', 'authority']);

/**
 * Adds the next command to a finding that is not good.
 *
 * @param earlier the findings before it
 */
export function withNext(finding: Finding, earlier: readonly Finding[]): Finding {
  const { id, verdict, next } = finding;
  if (verdict === 'good') return finding;
  const generation = earlier.find((one) => one.id === 'generation' && one.verdict === 'bad');
  if (verdict === 'bad' && EXPLAINED.has(id) && generation?.next !== undefined)
    return { ...finding, next: generation.next };
  if (next !== undefined) return finding;
  const known = NEXT[id](finding);
  return known === undefined ? finding : { ...finding, next: known };
}

/** A command to run, with the findings that it is for. */
export type NextStep = { command: string; findings: FindingId[] };

/** Lists the commands for all findings that are not good, each once, in the order in which to run them. */
export function nextStepsOf(findings: readonly Finding[]): NextStep[] {
  const order = Object.keys(NEXT);
  const rank = ({ id }: Finding): number => order.indexOf(id);
  const wrong = findings.filter(({ verdict }) => verdict === 'bad').toSorted((a, b) => rank(a) - rank(b));
  const steps = new Map<string, Set<FindingId>>();
  for (const { id, next } of wrong) {
    if (next === undefined) continue;
    const ids = steps.get(next) ?? new Set();
    steps.set(next, ids.add(id));
  }
  return [...steps].map(([command, ids]) => ({ command, findings: [...ids] }));
}
