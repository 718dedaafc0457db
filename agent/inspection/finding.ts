import { shellQuote } from '../../src/base/shell-quote.ts';

/** One thing that was looked at. */
export type Finding = {
  /** The stable id of the check. */
  id: FindingId;
  /** `bad`: wrong with the node now, or in the way of a rotation. */
  verdict: 'good' | 'warning' | 'bad';
  /** Which one: a path, a unit, a collector, a kind of CA. */
  of?: string;
  /** Which of the causes that share an id, in a word that stays. */
  reason?: string;
  /** A rotation mends it, so it does not refuse one. */
  isMended?: true;
  /** The sentence for a person. */
  what: string;
  /** The address that was asked. */
  url?: string;
  /** Whose login the address was asked with. */
  login?: string;
  /** The command to type next; the one of the table where none is given. */
  next?: string;
};

type About = Pick<Finding, 'of' | 'url'>;

const path = ({ of = '' }: About): string => shellQuote(of);
const unit = ({ of = '' }: About): string => shellQuote(of);
const curl = ({ url }: About): string | undefined =>
  url === undefined ? undefined : `curl -sS -m 10 ${shellQuote(url)}`;

/**
 * Every finding, with the command that a person types next when it is not good, in the order in which they are mended: what
 * the command of one needs stands before it. A maker may know a better one.
 */
const NEXT = {
  /** Only root can change a file that decides what the agent does, or read one that holds secrets. */
  permissions: (about) => `ls -l ${path(about)}`,
  /** agent.yaml and its drop-ins can be used. */
  configuration: (about) => `vi ${path(about)}`,
  /** Another agent serves the node. */
  'second-agent': () => 'agent migrate --dry-run',
  /** heat-params has every value that is needed, well-formed. */
  'heat-params': (about) => `vi ${path(about)}`,
  /** This node's clock agrees with the cloud's. */
  clock: () => 'timedatectl',
  /** Files can be replaced where they lie. */
  disk: (about) => `df -h ${path(about)}`,
  /** A kubeconfig can be parsed. */
  kubeconfig: (about) => `vi ${path(about)}`,
  /** No rotation is interrupted or stuck. */
  generation: () => 'agent run-once',
  /** A collector answers. */
  collector: curl,
  /** The metadata is well-formed. */
  metadata: () => 'agent plan',
  /** How the metadata says to poll. */
  'polling-override': () => 'agent status',
  /** The node's own login. */
  trust: curl,
  /** The roles that its trust delegates. */
  'trust-roles': () => undefined,
  /** Magnum serves a CA. */
  'magnum-ca': curl,
  /** A record of the agent is as it was written. */
  record: () => 'agent run-once',
  /** A certificate of the layout is there, valid, signed by its CA, and its key fits. */
  certificate: () => 'agent make-cert --force && agent restart',
  /** A unit is there and runs. */
  unit: (about) => `systemctl status ${unit(about)}`,
  /** A unit presents a certificate where it is asked. */
  port: (about) => `agent restart --unit ${unit(about)}`,
  /** The certificate that it presents is the one in its file. */
  presented: (about) => `agent restart --unit ${unit(about)}`,
  /** A unit says that it is well. */
  health: (about) => `journalctl -n 50 -u ${unit(about)}`,
  /** The Kubernetes API accepts a unit's kubeconfig. */
  credential: () => 'agent certs',
  'revocation-list': () => 'agent revoke --crl revoked.pem',
  /** The node trusts the CA that Magnum serves. */
  authority: () => 'agent plan',
  /** The node's certificates are for the names and of the CA that they should be. */
  difference: () => 'agent repair --dry-run',
  /** No rotation is between two phases. */
  rotation: () => 'agent status',
  /** A rotation renews a copy of a certificate. */
  copy: () => 'agent certs',
  /** The daemon runs. */
  daemon: () => 'systemctl start coe-agent',
} satisfies Record<string, (about: About) => string | undefined>;

export type FindingId = keyof typeof NEXT;

/** An interrupted or stuck rotation leaves these wrong: its command comes first, and a second look after it. */
const EXPLAINED: ReadonlySet<FindingId> = new Set<FindingId>(['presented', 'certificate', 'authority']);

/**
 * A finding with its next command, where it is not good.
 *
 * @param earlier what was found before it
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

/** A command to type, with the findings that it is for. */
export type NextStep = { command: string; findings: FindingId[] };

/** The commands of everything that is wrong, each once, in the order in which they are to be typed. */
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
