/** Option of verbs that write tables. */
export const WIDE = ['--wide', 'all columns of a table, on a narrow terminal too'] as const;

/** Option of verbs that restart units. */
export const WITHOUT_TURN = ['--without-turn', 'in an emergency: wait for no other master'] as const;

/** Options of `agent rollback`. */
export const LIST = ['--list', 'list the kept generations, and change nothing'] as const;
export const TO = ['--to <id>', 'a kept generation of the list, in place of the newest'] as const;
export const FORMER_CA = [
  '--former-ca',
  'allow a generation whose CA this node no longer trusts; that CA is then trusted again',
] as const;
