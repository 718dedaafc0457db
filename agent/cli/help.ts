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
      ['agent run', 'the command of coe-agent.service'],
      ['agent run --log-level debug', 'also log requests and answers'],
    ],
    exits: [deploymentFailed, lockHeld],
  },
  'run-once': {
    examples: [
      ['agent run-once --dry-run', 'only show what would be done'],
      ['agent run-once --force 6f1c', 'repeat a deployment; a unique prefix of its id is enough'],
    ],
    exits: [deploymentFailed, cloudNotReady, lockHeld],
  },
  plan: {
    examples: [
      ['agent plan', 'show the next pass, step by step'],
      ['agent plan --metadata metadata.json', 'show the pass that this metadata would cause'],
    ],
    exits: [deploymentFailed, cloudNotReady],
    failed: 'failed, or the node is stuck',
  },
  status: {
    examples: [
      ['agent status', 'show whether the daemon runs, and its latest work'],
      ['agent status --check', 'for Nagios; 0 is OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN'],
    ],
    exits: [deploymentFailed],
    failed: 'the node is not well, or differs critically from its desired state',
  },
  certs: {
    examples: [
      ['agent certs', 'list every certificate with its faults'],
      ['agent certs --json', 'write the same as JSON'],
    ],
    exits: [deploymentFailed],
    failed:
      'a certificate is wrong, a port presents another one, or the node differs critically from its desired state',
  },
  'make-cert': {
    examples: [
      ['agent make-cert', 'make the first certificates; keep a complete and valid set'],
      ['agent make-cert --force', 'replace them in any case; restart no unit'],
    ],
    exits: [deploymentFailed, cloudNotReady, lockHeld],
  },
  'cluster-config': {
    examples: [
      ['eval $(agent cluster-config --user alice --dir alice)', "on a node: log in with the node's trust"],
      [
        'eval $(OS_CLOUD=c1 agent cluster-config --cluster k1 --user ann --dir k1)',
        'on any machine: log in with clouds.yaml',
      ],
    ],
    exits: [deploymentFailed, cloudNotReady],
  },
  doctor: {
    examples: [
      ['agent doctor', 'show what is wrong, and the next command'],
      ['agent doctor --json', 'write the same as JSON: findings with ids'],
    ],
    exits: [deploymentFailed, cloudNotReady],
  },
  restart: {
    examples: [
      ['agent restart', 'restart every unit in order, and prove each'],
      ['agent restart --unit kubelet kube-proxy', 'restart only these units'],
    ],
    exits: [deploymentFailed, lockHeld],
  },
  repair: {
    examples: [
      ['agent repair --dry-run', 'show the differences, and the changes of each certificate'],
      ['agent repair', 'renew certificates and kubeconfigs that differ, and restart the units'],
    ],
    exits: [deploymentFailed, cloudNotReady, lockHeld],
  },
  revoke: {
    examples: [
      ['agent revoke --crl revoked.pem', 'install the list, and prove that the services enforce it'],
      [
        'agent revoke --crl revoked.pem --prepare',
        'install the list before a service is configured to read it',
      ],
    ],
    exits: [deploymentFailed, cloudNotReady, lockHeld],
  },
  credentials: {
    examples: [
      ['agent credentials --from new-params --dry-run', 'list the files that would change'],
      ['agent credentials --where', 'list the files, Secrets and config maps that hold a login'],
    ],
    exits: [deploymentFailed, cloudNotReady, lockHeld],
  },
  migrate: {
    examples: [
      ['agent migrate --dry-run', 'show what the agent would take over from os-collect-config'],
      ['agent migrate --back', 'return the node to os-collect-config'],
    ],
    exits: [deploymentFailed, cloudNotReady, lockHeld],
  },
  rollback: {
    examples: [
      ['agent rollback', 'restore the former certificates'],
      ['agent rollback --list', 'list the kept generations'],
    ],
    exits: [deploymentFailed, lockHeld],
  },
  rotation: {
    examples: [
      ['agent rotation hold --for 8h', 'start no further phase for eight hours'],
      ['agent rotation finish --now', 'do not wait for peers: a CA key has leaked, or access must end now'],
    ],
    exits: [deploymentFailed],
  },
  fleet: {
    examples: [
      ['agent fleet --kubeconfig k1/config --watch', 'on any machine: refresh every five seconds'],
      ['OS_CLOUD=c1 agent fleet --stack fleet', "without Kubernetes: the reports in a stack's outputs"],
    ],
    exits: [deploymentFailed, cloudNotReady],
    failed: 'nodes differ, or a node is not well',
  },
  'unit-paths': {
    examples: [
      ['agent unit-paths', 'print the drop-in'],
      [
        'agent unit-paths > /etc/systemd/system/coe-agent.service.d/10-paths.conf',
        'install the drop-in; then run systemctl daemon-reload',
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

/** Formats the text below the options in a verb's help. Commands are not wrapped, so that they can be copied. */
export function helpOf(verb: string, columns: number): string {
  const { examples, exits } = factsOf(verb);
  if (examples.length === 0) return '';
  return [
    '',
    'Examples:',
    ...examples.flatMap(([command, what]) => [`  ${command}`, indented('      ', what, columns)]),
    '',
    'Exit codes:',
    ...exits.map(([code, meaning]) => `  ${code}  ${indented('     ', meaning, columns).trimStart()}`),
  ].join('\n');
}

/** Wraps a text between words, and indents each line. */
function indented(indent: string, text: string, columns: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = `${line === '' ? indent : `${line} `}${word}`;
    if (line !== '' && longer.length > columns) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = longer;
  }
  return [...lines, line].join('\n');
}
