/**
 * Every metric with its help text. All are gauges. Times are timestamps: an age would freeze if the daemon died. An
 * unknown value has no sample.
 */
export const METRICS = {
  coe_agent_build_info: 'Version of the agent and of its runtime; the value is always 1',
  coe_agent_poll_interval_seconds: 'Longest wait between two passes that the configuration allows',
  coe_agent_last_complete_pass_timestamp_seconds: 'When every collector last answered in one pass',
  coe_agent_collector_last_success_timestamp_seconds: 'When this collector last answered',
  coe_agent_deployments: 'Deployments in the ledger, by outcome',
  coe_agent_deployment_last_finished_timestamp_seconds: 'When a deployment last ended with this outcome',
  coe_agent_unacknowledged_answers: 'Results that Heat has not acknowledged',
  coe_agent_unacknowledged_since_timestamp_seconds: 'When the oldest unacknowledged result was made',
  coe_agent_generation_stuck: 'Whether a rotation could neither be completed nor rolled back',
  coe_agent_certificate_not_after_timestamp_seconds: 'When this certificate expires',
  coe_agent_certificate_faults: 'Faults of this file of the layout, as agent certs lists them',
  coe_agent_authority_info: 'A CA that this node trusts, and its cluster; the value is always 1',
  coe_agent_authority_is_magnums: 'Whether this file holds the CA that Magnum served when last asked',
  coe_agent_authority_seen_timestamp_seconds: 'When Magnum was last asked for this CA',
  coe_agent_phase: 'Phase of a CA rotation that this node is in; 1 for that phase, 0 for the others',
  coe_agent_phase_since_timestamp_seconds: 'When the agent first saw the node in its phase',
  coe_agent_rotation_waits: 'Why the next phase of an automatic rotation waits; the value is always 1',
  coe_agent_rotation_waits_since_timestamp_seconds: 'When the wait for this reason began',
  coe_agent_old_ca_ended_timestamp_seconds:
    'When the agent first saw that the node no longer trusts the old CA',
  coe_agent_old_ca_due_timestamp_seconds:
    'When the retirement of the old CA stops waiting for other nodes; absent without a retirement ahead',
  coe_agent_trust_last_success_timestamp_seconds: "When the node's trust last logged in",
  coe_agent_trust_last_refusal_timestamp_seconds: "When Keystone last refused the node's trust",
  coe_agent_trust_refusals: "How many times in a row Keystone has refused the node's own login",
  coe_agent_renewal_last_started_timestamp_seconds: 'When the node last began to renew its certificates',
  coe_agent_renewal_last_finished_timestamp_seconds: 'When the last renewal ended, by outcome',
  coe_agent_rotation_last_finished_timestamp_seconds: 'When the last rotation ended, by outcome',
  coe_agent_rotation_step_duration_seconds: 'How long each completed step of the last rotation took',
} as const;

export type MetricName = keyof typeof METRICS;
