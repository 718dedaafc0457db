import { EXIT, type ExitCode } from '../commands/exit-code.ts';

type Help = {
  /** Commands as typed, each with its purpose. */
  examples: readonly (readonly [command: string, what: string])[];
  /** Exit codes besides 0 and 2, which every verb has. */
  exits: readonly ExitCode[];
  /** The meaning of exit code 1, if it is more specific than for other verbs. */
  failed?: string;
};

const { deploymentFailed, cloudNotReady, lockHeld } = EXIT;

const HELP: Readonly<Record<string, Help>> = {
  run: {
    examples: [
      ['agent run', 'what coe-agent.service starts'],
      ['agent run --log-level debug', 'also what is asked and answered'],
    ],
    exits: [deploymentFailed, lockHeld],
  },
  'run-once': {
    examples: [
      ['agent run-once --dry-run', 'only say what would be done'],
      ['agent run-once --force 6f1c', 'do a deployment again, by a unique beginning of its id'],
    ],
    exits: [deploymentFailed, cloudNotReady, lockHeld],
  },
  plan: {
    examples: [
      ['agent plan', 'what the next pass does, step by step'],
      ['agent plan --metadata metadata.json', 'what it would do with this metadata'],
    ],
    exits: [deploymentFailed, cloudNotReady],
    failed: 'failed, or the node is stuck',
  },
  status: {
    examples: [
      ['agent status', 'whether the daemon runs, what was done last'],
      ['agent status --check', 'for Nagios; 0 is OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN'],
    ],
    exits: [deploymentFailed],
    failed: 'the node is ill, or differs critically from its desired state',
  },
  certs: {
    examples: [
      ['agent certs', 'every certificate, and what is wrong with it'],
      ['agent certs --json', 'the same for a program'],
    ],
    exits: [deploymentFailed],
    failed:
      'a certificate is wrong, a port presents another one, or the node differs critically from its desired state',
  },
  'make-cert': {
    examples: [
      ['agent make-cert', 'the first certificates; a good set is kept'],
      ['agent make-cert --force', 'new ones in any case; no unit is restarted'],
    ],
    exits: [deploymentFailed, cloudNotReady, lockHeld],
  },
  'cluster-config': {
    examples: [
      ['eval $(agent cluster-config --user alice --dir alice)', 'on a node, with its trust'],
      [
        'eval $(OS_CLOUD=home agent cluster-config --cluster k1 --user alice --dir k1)',
        'anywhere, with the login of clouds.yaml',
      ],
    ],
    exits: [deploymentFailed, cloudNotReady],
  },
  doctor: {
    examples: [
      ['agent doctor', 'what is wrong, and the command to type next'],
      ['agent doctor --json', 'the same for a program: findings with ids'],
    ],
    exits: [deploymentFailed, cloudNotReady],
  },
  restart: {
    examples: [
      ['agent restart', 'every unit in order, each proven'],
      ['agent restart --unit kubelet kube-proxy', 'only these'],
    ],
    exits: [deploymentFailed, lockHeld],
  },
  repair: {
    examples: [
      ['agent repair --dry-run', 'what differs, and what would change in each certificate'],
      ['agent repair', 'new certificates and kubeconfigs where something differs; the units are restarted'],
    ],
    exits: [deploymentFailed, cloudNotReady, lockHeld],
  },
  revoke: {
    examples: [
      ['agent revoke --crl revoked.pem', 'install the list and check that the services enforce it'],
      ['agent revoke --crl revoked.pem --prepare', 'before a service is configured to read it'],
    ],
    exits: [deploymentFailed, cloudNotReady, lockHeld],
  },
  credentials: {
    examples: [
      ['agent credentials --from new-params --dry-run', 'which files would be changed'],
      ['agent credentials --where', 'which files, Secrets and config maps hold a login, and whose'],
    ],
    exits: [deploymentFailed, cloudNotReady, lockHeld],
  },
  migrate: {
    examples: [
      ['agent migrate --dry-run', 'what would be taken over from os-collect-config'],
      ['agent migrate --back', 'give the node back'],
    ],
    exits: [deploymentFailed, cloudNotReady, lockHeld],
  },
  rollback: {
    examples: [
      ['agent rollback', 'bring the previous certificates back'],
      ['agent rollback --list', 'show which are kept'],
    ],
    exits: [deploymentFailed, lockHeld],
  },
  rotation: {
    examples: [
      ['agent rotation hold --for 8h', 'take no further phase for eight hours'],
      ['agent rotation finish --now', 'wait for no peer: a CA key has leaked, or a person has to be out'],
    ],
    exits: [deploymentFailed],
  },
  fleet: {
    examples: [
      ['agent fleet', 'on a master: every node of the cluster'],
      ['agent fleet --kubeconfig k1/config --watch', 'anywhere, again every five seconds'],
    ],
    exits: [deploymentFailed, cloudNotReady],
    failed: 'nodes differ, or one is not well',
  },
  'unit-paths': {
    examples: [
      ['agent unit-paths', 'show the drop-in'],
      [
        'agent unit-paths > /etc/systemd/system/coe-agent.service.d/10-paths.conf',
        'write it; then systemctl daemon-reload',
      ],
    ],
    exits: [],
  },
};

const MEANINGS: Readonly<Record<ExitCode, string>> = {
  [EXIT.done]: 'done, or nothing to do',
  [EXIT.deploymentFailed]: 'failed, or something is wrong with the node',
  [EXIT.usage]: 'wrong usage or configuration',
  [EXIT.cloudNotReady]: 'the cloud is unreachable, not ready or refuses the login',
  [EXIT.lockHeld]: 'another run holds the lock',
};

const meaningOf = (code: ExitCode, { failed }: Help): string =>
  (code === EXIT.deploymentFailed ? failed : undefined) ?? MEANINGS[code];

/** Examples as typed, each with its purpose, and exit codes with their meanings. */
export type HelpFacts = {
  examples: readonly (readonly [command: string, what: string])[];
  exits: readonly (readonly [code: ExitCode, meaning: string])[];
};

export function factsOf(verb: string): HelpFacts {
  const help = HELP[verb];
  if (!help) return { examples: [], exits: [] };
  const codes = ([EXIT.done, EXIT.usage, ...help.exits] as ExitCode[]).toSorted((a, b) => a - b);
  return { examples: help.examples, exits: codes.map((code) => [code, meaningOf(code, help)] as const) };
}

/** Formats the text below the options in a verb's help. */
export function helpOf(verb: string): string {
  const { examples, exits } = factsOf(verb);
  if (examples.length === 0) return '';
  return [
    '',
    'Examples:',
    ...examples.flatMap(([command, what]) => [`  ${command}`, `      ${what}`]),
    '',
    'Exit codes:',
    ...exits.map(([code, meaning]) => `  ${code}  ${meaning}`),
  ].join('\n');
}
