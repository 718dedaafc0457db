/** What is looked at, by a name that stays. `agent doctor --json` and its readers know a finding by it. */
export type FindingId =
  | 'configuration'
  | 'second-agent'
  | 'heat-params'
  | 'collector'
  | 'metadata'
  | 'polling-override'
  | 'trust'
  | 'trust-roles'
  | 'magnum-ca'
  | 'disk'
  | 'clock'
  | 'unit'
  | 'port'
  | 'health'
  | 'credential'
  | 'certificate'
  | 'copy'
  | 'revocation-list'
  | 'generation';

/** One thing that was looked at; `bad` would make a rotation fail. */
export type Finding = {
  id: FindingId;
  verdict: 'good' | 'warning' | 'bad';
  /** Which one: a path, a unit, a collector, a kind of CA. */
  of?: string;
  what: string;
};
