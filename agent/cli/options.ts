/** Option of verbs that write tables. */
export const WIDE = ['--wide', 'show all columns of a table, even on a narrow terminal'] as const;

/** Option of verbs that restart units. */
export const WITHOUT_TURN = ['--without-turn', 'in an emergency: do not wait for other masters'] as const;

/** Options of `agent rollback`. */
export const LIST = ['--list', 'list the kept generations, and change nothing'] as const;
export const TO = ['--to <id>', 'restore this generation of the list instead of the newest'] as const;
export const FORMER_CA = [
  '--former-ca',
  'allow a generation whose CA this node no longer trusts; that CA is then trusted again',
] as const;

/** Option of `agent fleet`. */
export const STACK = [
  '--stack <name-or-id>',
  "without Kubernetes: the reports in a Heat stack's outputs, with the login of OS_CLOUD or OS_*; not with --kubeconfig or --watch",
] as const;
