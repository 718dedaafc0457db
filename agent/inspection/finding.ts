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

/** Every finding, with the command that a person types next when it is not good. A maker may know a better one. */
const NEXT = {
  /** agent.yaml and its drop-ins can be used. */
  configuration: (about) => `vi ${path(about)}`,
  /** Only root can change a file that decides what the agent does, or read one that holds secrets. */
  permissions: (about) => `ls -l ${path(about)}`,
  /** Another agent serves the node. */
  'second-agent': () => 'agent migrate --dry-run',
  /** heat-params has every value that is needed, well-formed. */
  'heat-params': (about) => `vi ${path(about)}`,
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
  /** The node trusts the CA that Magnum serves. */
  authority: () => 'agent plan',
  /** Files can be replaced where they lie. */
  disk: (about) => `df -h ${path(about)}`,
  /** This node's clock agrees with the cloud's. */
  clock: () => 'timedatectl',
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
  /** A certificate of the layout is there, valid, signed by its CA, and its key fits. */
  certificate: () => 'agent make-cert --force && agent restart',
  /** A kubeconfig can be parsed. */
  kubeconfig: (about) => `vi ${path(about)}`,
  /** A rotation renews a copy of a certificate. */
  copy: () => 'agent certs',
  'revocation-list': () => 'agent revoke --crl revoked.pem',
  /** The daemon runs. */
  daemon: () => 'systemctl start coe-agent',
  /** No rotation is interrupted or stuck. */
  generation: () => 'agent run-once',
  /** A record of the agent is as it was written. */
  record: () => 'agent run-once',
} satisfies Record<string, (about: About) => string | undefined>;

export type FindingId = keyof typeof NEXT;

/** A finding with its next command, where it is not good. */
export function withNext(finding: Finding): Finding {
  const { id, verdict, next } = finding;
  if (verdict === 'good' || next !== undefined) return finding;
  const known = NEXT[id](finding);
  return known === undefined ? finding : { ...finding, next: known };
}
