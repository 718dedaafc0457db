import type { EventLog, Events, LogEntry } from '../src/base/log.ts';

/** Every log event: a stable code, its level and its constant message. Variable data go into fields. */
export const EVENTS = {
  'api-servers-unknown': ['debug', 'this node may not list the API servers'],
  'address-kept': ['debug', 'an address of this node is unknown; its certificates keep the former one'],
  'address-unknown': ['debug', 'an address of this node is unknown'],
  'api-server-unknown': ['warn', 'the certificate of the API server cannot be read; rotating in phases'],
  'answer-unacknowledged': ['warn', 'the result is not acknowledged; it will be sent again'],
  'answer-unsent': ['error', 'the results could be neither recorded nor sent'],
  'answered-without-ledger': ['error', 'state cannot be written; reporting the outcome without recording it'],
  'audit-unwritten': ['warn', 'the audit record could not be written'],
  'configuration-awaited': ['warn', 'no usable configuration; waiting for one'],
  'configuration-rejected': ['error', 'the new configuration is invalid; keeping the current one'],
  'copies-unknown': ['debug', 'other copies of the certificates are unknown'],
  'creation-awaited': [
    'info',
    'heat-container-agent is setting up the node; coe-agent takes over afterwards',
  ],
  'deployment-failed': ['error', 'deployment failed'],
  'deployment-overtaken': ['info', 'ignoring a deployment that is older than one started before'],
  'deployment-started': ['info', 'deployment started'],
  'deployment-succeeded': ['info', 'deployment succeeded'],
  'deployment-superseded': ['info', 'a newer deployment supersedes this one'],
  'deployment-unlisted': ['info', 'the cloud no longer lists this deployment; not reporting its result'],
  'etcd-members-unknown': ['warn', 'the members of etcd cannot be read; rotating in phases'],
  differs: ['warn', 'the node differs from its desired state'],
  'differs-critical': ['error', 'the node differs critically from its desired state; an operator must act'],
  'differs-slightly': ['info', 'the node differs slightly from its desired state'],
  'difference-gone': ['info', 'a difference from the desired state is gone'],
  'file-skipped': ['warn', 'skipping a file that cannot be read'],
  'follow-up-done': ['info', 'a follow-up of a rotation in the cluster is done'],
  'follow-up-waits': ['info', 'a follow-up of a rotation in the cluster waits'],
  'generation-stuck': [
    'error',
    'the journal is damaged and no set of files agrees; keeping both generations',
  ],
  'generation-unkept': ['warn', 'the replaced files could not be kept for "agent rollback"'],
  'grace-ended': ['info', 'retired service-account keys whose grace is over'],
  'grace-extended': ['info', 'keeping service-account keys whose grace is over: pods may still use them'],
  'group-unserved': ['info', 'ignoring a deployment: no hook for its group'],
  'heat-params-unreadable': ['error', 'heat-params cannot be read; polling without its settings'],
  'journal-damaged': [
    'error',
    'the journal of an interrupted rotation is damaged; rebuilding it from the certificates',
  ],
  'last-answer-unwritten': ['warn', 'the digest of the last answer could not be written'],
  'turn-unrecorded': ['warn', 'the turn of this master could not be written for "agent status"'],
  'waiting-unwritten': ['warn', 'the reason of a wait could not be written for "agent status"'],
  'last-pass-unwritten': ['warn', 'the result of the pass could not be written for "agent status"'],
  'old-ca-ended': ['info', 'this node no longer accepts certificates of the old CA'],
  'old-ca-in-use': ['warn', 'objects in the cluster still need the old CA'],
  'old-ca-users-unknown': ['debug', 'the objects that need the old CA are unknown'],
  'path-left-out': ['warn', 'no unit file can hold this path; the unit cannot write there'],
  'layouts-left-out': ['warn', 'the configuration is invalid; its layouts are left out'],
  'libsystemd-missing': ['warn', 'libsystemd cannot be loaded; notifying systemd with systemd-notify'],
  'ledger-record-damaged': ['error', 'a record of the ledger is damaged'],
  'login-tried-in-vain': ['warn', "the test of the node's own login failed"],
  'peers-unknown': ['info', 'the other nodes of the cluster are unknown; rotating in phases'],
  'metadata-ignored': ['warn', 'ignoring invalid metadata'],
  'metrics-unwritten': ['warn', 'the metrics could not be written'],
  'notify-failed': ['warn', 'notify.command failed; the event is only logged'],
  'node-untold': ['info', "this node's Node in Kubernetes could not be updated; trying again later"],
  notice: ['warn', 'notice'],
  output: ['info', 'output'],
  'part-done': ['debug', 'part of a step done'],
  'pass-broken-off': ['error', 'the pass broke off'],
  'rotation-unknown': ['warn', 'the state of the rotation could not be read; trying again later'],
  'hold-ends-soon': ['warn', 'the hold of the rotation ends soon; then the next phase begins'],
  'etcd-leader-moved': ['info', 'etcd has another leader before its restart here'],
  'etcd-leader-kept': ['warn', 'the leadership of etcd could not be handed over; it elects a leader'],
  'call-unread': ['debug', "this node's Node in Kubernetes could not be read; trying again later"],
  'workers-uncalled': [
    'info',
    'workers that are behind in the rotation could not be called; trying again later',
  ],
  'rotation-waits': ['info', 'the next phase of the rotation waits'],
  'masters-unwell': ['warn', 'other masters are not well; this master continues its turn'],
  'turn-not-given': ['warn', 'this master restarts its services without a turn'],
  'phase-done': ['info', 'a phase of the rotation is done'],
  'phase-reached': ['info', 'the certificates of the node show another phase'],
  'phase-failed': ['error', 'a phase of the rotation failed; trying again later'],
  'phase-started': ['info', 'a phase of the automatic rotation starts'],
  'phase-unannounced': ['warn', 'a step could not be announced in the Kubernetes API; trying again later'],
  'kubelet-unrecorded': ['warn', 'the restart of the kubelet could not be recorded'],
  'pods-freed': ['info', 'the pods that stayed in deletion are gone'],
  'pods-hang': ['warn', 'pods stay in deletion after a restart of the kubelet; restarting it once more'],
  'pods-still-hang': [
    'warn',
    'pods stay in deletion although the kubelet was restarted for them; an operator must act',
  ],
  'pods-unfreed': ['error', 'the kubelet could not be restarted for pods that stay in deletion'],
  'pods-unknown': ['debug', "this node's pods could not be listed; trying again later"],
  'pods-wait': [
    'info',
    'pods stay in deletion; the restart of the kubelet waits for the turn of this master',
  ],
  'polling-override-adopted': ['info', 'the polling override answers and takes effect'],
  'polling-override-given-up': [
    'warn',
    'the polling override does not answer; falling back to the former polling',
  ],
  'polling-override-on-trial': ['warn', 'trying the polling override of the metadata'],
  'polling-override-retried': ['info', 'trying the polling override again'],
  'polling-override-unreadable': [
    'error',
    'the record of the polling override cannot be read; polling as configured',
  ],
  'proxy-ignored': ['warn', 'ignoring proxy setting: not an http URL'],
  'recovery-started': ['warn', 'resuming an interrupted run'],
  'renewal-failed': ['error', 'the certificates could not be renewed'],
  'renewal-started': ['info', 'renewing the certificates'],
  'renewal-succeeded': ['info', 'the certificates are renewed'],
  'renewal-waits': ['info', 'the renewal of the certificates waits for the end of a rotation'],
  'renewal-useless': ['warn', 'new certificates would not last longer; keeping the present ones'],
  'report-unmade': [
    'warn',
    'the report of this node could not be made; the deployment is answered without it',
  ],
  retrying: ['info', 'not ready; retrying'],
  'run-collected': ['info', 'a run of an earlier start has ended'],
  'second-agent': ['warn', 'another agent serves this node'],
  'service-account-record-damaged': [
    'error',
    'the record of service-account keys is damaged; no key is retired',
  ],
  'setting-ignored': ['info', 'ignoring a setting of os-collect-config'],
  'start-failed': ['error', 'coe-agent cannot run'],
  started: ['info', 'coe-agent started'],
  'state-open': ['warn', 'the modes of the state directories could not be set to 0700'],
  'step-done': ['info', 'step done'],
  'step-failed': ['error', 'step failed'],
  'step-skipped': ['info', 'step skipped'],
  'step-started': ['debug', 'step started'],
  stopped: ['info', 'coe-agent stopped'],
  'systemd-unreachable': ['warn', 'systemd could not be notified'],
  'taken-over': ['info', 'coe-agent has taken over from heat-container-agent'],
  'tls-unverified': [
    'warn',
    'TLS verification is off (VERIFY_CA): an attacker on the path can read the trust and forge certificates',
  ],
  'unit-unknown': ['warn', 'services.units names a unit that no layout has; its settings have no effect'],
  'unit-unasked': ['warn', 'the address of a unit cannot be read; assuming the address of its layout'],
  'tls-unverified-by-person': [
    'warn',
    'TLS verification is off (verify, OS_INSECURE): an attacker on the path can read the login and forge certificates',
  ],
  'upkeep-failed': ['warn', 'the node could not be compared with its desired state'],
  'upkeep-skipped': ['debug', 'the node is not set up yet; nothing to compare'],
  'websocket-unavailable': ['warn', 'websocket unavailable; polling only'],
} as const satisfies Events;

export type EventCode = keyof typeof EVENTS;

export type Log = EventLog<EventCode>;

/** Events that `notify.command` receives in addition to all warnings and errors. */
const NOTIFIED: ReadonlySet<string> = new Set<EventCode>([
  'deployment-started',
  'deployment-succeeded',
  'old-ca-ended',
]);

/** Whether `notify.command` receives an event. Its own failure is excluded: reporting it would loop forever. */
export const isNotified = ({ event, level }: Pick<LogEntry, 'event' | 'level'>): boolean =>
  event !== ('notify-failed' satisfies EventCode) &&
  (level === 'warn' || level === 'error' || NOTIFIED.has(event));

/** An event that `kubectl describe node` also shows. */
type OnNode = {
  event: EventCode;
  /** Applies only if each field has one of these values. */
  where?: readonly { field: string; is: readonly string[] }[];
  /** In upper camel case; stable. */
  reason: string;
};

const ROLLED_BACK = { field: 'node', is: ['taken-back', 'unproven'] };
const STUCK = { field: 'node', is: ['stuck'] };
const ROTATION = { field: 'asks', is: ['rotation'] };

/** The events on the Node. If several match, the first one applies. */
export const ON_NODE: readonly OnNode[] = [
  { event: 'deployment-started', where: [ROTATION], reason: 'RotationStarted' },
  { event: 'deployment-started', reason: 'DeploymentStarted' },
  { event: 'deployment-succeeded', where: [ROTATION], reason: 'RotationSucceeded' },
  { event: 'deployment-succeeded', reason: 'DeploymentSucceeded' },
  { event: 'deployment-failed', where: [ROTATION, ROLLED_BACK], reason: 'RotationRolledBack' },
  { event: 'deployment-failed', where: [ROTATION, STUCK], reason: 'RotationStuck' },
  { event: 'deployment-failed', where: [ROTATION], reason: 'RotationFailed' },
  { event: 'deployment-failed', where: [ROLLED_BACK], reason: 'DeploymentRolledBack' },
  { event: 'deployment-failed', where: [STUCK], reason: 'DeploymentStuck' },
  { event: 'deployment-failed', reason: 'DeploymentFailed' },
  { event: 'phase-started', reason: 'RotationPhaseStarted' },
  { event: 'phase-done', reason: 'RotationPhaseDone' },
  { event: 'phase-failed', where: [ROLLED_BACK], reason: 'RotationPhaseRolledBack' },
  { event: 'phase-failed', where: [STUCK], reason: 'RotationPhaseStuck' },
  { event: 'phase-failed', reason: 'RotationPhaseFailed' },
  { event: 'phase-reached', reason: 'RotationPhaseReached' },
  { event: 'old-ca-ended', reason: 'OldCaEnded' },
  { event: 'old-ca-in-use', reason: 'OldCaInUse' },
  { event: 'hold-ends-soon', reason: 'RotationHoldEnds' },
  { event: 'pods-hang', reason: 'PodsHang' },
  { event: 'pods-still-hang', reason: 'PodsStillHang' },
  { event: 'renewal-started', reason: 'RenewalStarted' },
  { event: 'renewal-succeeded', reason: 'RenewalSucceeded' },
  { event: 'renewal-failed', reason: 'RenewalFailed' },
  {
    event: 'differs',
    where: [{ field: 'difference', is: ['authority-ends-soon'] }],
    reason: 'AuthorityEnds',
  },
  {
    event: 'differs-critical',
    where: [{ field: 'difference', is: ['authority-ends'] }],
    reason: 'AuthorityEnds',
  },
  {
    event: 'differs-critical',
    where: [{ field: 'difference', is: ['expired'] }],
    reason: 'CertificateExpired',
  },
];

/** Returns the reason of an event on the Node; undefined if the event is not shown there. */
export const reasonOnNode = ({ event, fields }: Pick<LogEntry, 'event' | 'fields'>): string | undefined =>
  ON_NODE.find(
    (one) =>
      one.event === event && (one.where ?? []).every(({ field, is }) => is.includes(String(fields[field]))),
  )?.reason;
