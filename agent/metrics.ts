import { formatGauge, type Sample } from '../src/base/exposition.ts';
import { replaceFile } from '../src/base/replace-file.ts';
import { type Entry, isGivenUp } from '../src/deployment/ledger.ts';
import packageJson from '../package.json' with { type: 'json' };
import { mayGoByItself } from './config.ts';
import type { Hands } from './hands.ts';
import { METRICS } from './metrics/catalogue.ts';
import { lookAtCertificates, type Samples, samplesOf, type Seen } from './metrics/certificates.ts';
import { type Observations, openNotebook } from './metrics/observations.ts';
import type { PassResult } from './pass.ts';
import { oldCaDue } from './phases/old-ca.ts';
import { readOrders, readRotation } from './phases/record.ts';
import { isSure, type StateStamp, stampState } from './state-stamp.ts';
import type { PassRecord } from './status-file.ts';
import { readUpkeep, type UpkeepRecord } from './upkeep/record.ts';

/** Writes the state of this node for Prometheus: a file for node_exporter's textfile collector. */
export type Metrics = {
  /** Returns hands that record data for the metrics. */
  watch(hands: Hands): Hands;
  /** Replaces the file after a pass. @param record the facts that `agent status` shows */
  passed(result: PassResult, record: PassRecord): Promise<void>;
  /** Replaces the file after a look at the node, or after a change since the last pass. */
  looked(record: PassRecord): Promise<void>;
};

/** Certificates may also be changed by hand. Reading them takes about as much CPU time as a poll. */
const LOOK_MS = 5 * 60_000;

/** Opens the metrics. @param file ends in `.prom`; every user may read it */
export async function openMetrics(hands: Hands, file: string): Promise<Metrics> {
  const { clock, disk, ledger, config } = hands;
  const build = [{ labels: { version: packageJson.version, node: process.versions.node }, value: 1 }];
  const interval = [{ value: config.poll.max_seconds }];
  const notebook = await openNotebook(hands);
  let seen: Seen | undefined;
  let lookedAt = -Infinity;
  const format = createFormat();
  const readRecords = recordsOf(hands);
  const write = async (record: PassRecord, isChanged: boolean): Promise<void> => {
    if (isChanged || clock.elapsed() - lookedAt >= LOOK_MS) {
      seen = await lookAtCertificates(hands);
      lookedAt = clock.elapsed();
      if (seen) notebook.see(seen.phase);
    }
    await notebook.save();
    const text = format({
      coe_agent_build_info: build,
      coe_agent_poll_interval_seconds: interval,
      ...ofPass(record),
      ...ofLedger(ledger.entries()),
      ...ofNotes(notebook.noted),
      ...(await readRecords()),
      ...(seen && samplesOf(seen, notebook.noted)),
    });
    // The next pass writes it again. A sync would cost more CPU time than a poll.
    await replaceFile(disk, file, text, { mode: 0o644, durable: false });
  };
  return {
    watch: notebook.watch,
    passed: async ({ settled }, record) => {
      notebook.ended(settled);
      await write(record, settled.length > 0);
    },
    looked: async (record) => {
      await write(record, true);
    },
  };
}

/** Returns a formatter that formats only those gauges again whose samples are another array. */
function createFormat(): (samples: Samples) => string {
  const known = new Map<string, { of: readonly Sample[]; text: string }>();
  return (samples) => {
    const byName = new Map(Object.entries(samples));
    return Object.entries(METRICS)
      .map(([name, help]) => {
        const of = byName.get(name) ?? [];
        const former = known.get(name);
        if (former?.of === of) return former.text;
        const text = formatGauge(name, help, of);
        known.set(name, { of, text });
        return text;
      })
      .join('');
  };
}

/** Returns a function that reads the samples of the agent's records, and reads them again only after a change. */
function recordsOf(hands: Hands): () => Promise<Samples> {
  let stamp: StateStamp | undefined;
  let read: { at: StateStamp; samples: Samples } | undefined;
  return async () => {
    stamp = await stampState(hands, stamp);
    if (read?.at === stamp) return read.samples;
    const holds = isSure(stamp, hands);
    const { generations } = hands;
    const isStuck = (await generations.underWay()) && (await isStuckIn(hands));
    const samples = {
      coe_agent_generation_stuck: [{ value: Number(isStuck) }],
      ...(await ofRotation(hands)),
      ...ofUpkeep(await readUpkeep(hands)),
    };
    read = holds ? { at: stamp, samples } : undefined;
    return samples;
  };
}

/** Whether the generation is stuck. A damaged journal is not: the next pass rebuilds it. */
const isStuckIn = async ({ generations }: Hands): Promise<boolean> =>
  await generations.current().then(
    (journal) => journal?.state === 'stuck',
    () => false,
  );

/** Returns one sample with a timestamp, or none. */
const moment = (at: string | number | undefined, labels?: Sample['labels']): Sample[] => {
  const value = typeof at === 'string' ? Date.parse(at) / 1000 : at;
  return value === undefined || Number.isNaN(value) ? [] : [{ ...(labels && { labels }), value }];
};

/** Returns one sample with a timestamp, or none. @param ms since the epoch */
const momentOf = (ms: number | undefined): Sample[] => moment(ms === undefined ? ms : ms / 1000);

const ofPass = ({ completeAt, answeredAt }: PassRecord): Samples => ({
  coe_agent_last_complete_pass_timestamp_seconds: moment(completeAt),
  coe_agent_collector_last_success_timestamp_seconds: Object.entries(answeredAt).flatMap(([collector, at]) =>
    moment(at, { collector }),
  ),
});

const OUTCOMES = ['succeeded', 'failed', 'superseded', 'open'] as const;

function ofLedger(entries: readonly Entry[]): Samples {
  const by = Map.groupBy(entries, outcomeOf);
  const unanswered = entries.filter((entry) => entry.state === 'finished' && !isGivenUp(entry));
  const last = (of: readonly Entry[]): string | undefined => of.flatMap(finishedAt).toSorted().at(-1);
  return {
    coe_agent_deployments: OUTCOMES.map((outcome) => ({
      labels: { outcome },
      value: by.get(outcome)?.length ?? 0,
    })),
    coe_agent_deployment_last_finished_timestamp_seconds: (['succeeded', 'failed'] as const).flatMap(
      (outcome) => moment(last(by.get(outcome) ?? []), { outcome }),
    ),
    coe_agent_unacknowledged_answers: [{ value: unanswered.length }],
    coe_agent_unacknowledged_since_timestamp_seconds: moment(unanswered.flatMap(finishedAt).toSorted().at(0)),
  };
}

const outcomeOf = ({ state, outcome }: Entry): (typeof OUTCOMES)[number] =>
  state === 'superseded' ? 'superseded' : (outcome?.is ?? 'open');

const finishedAt = ({ at }: Entry): string[] => (at['finished'] === undefined ? [] : [at['finished']]);

/** Returns the samples of an automatic rotation. */
async function ofRotation({ disk, config }: Hands): Promise<Samples> {
  const record = await readRotation({ disk });
  const { heldUntil } = await readOrders({ disk });
  const due = oldCaDue(record, heldUntil, config.rotation.retire_within * 1000);
  const { endedAt } = record.oldCa ?? {};
  const isAuto = mayGoByItself(config);
  const { waits } = record;
  return {
    ...(isAuto &&
      waits && {
        coe_agent_rotation_waits: [{ labels: { reason: waits.why }, value: 1 }],
        coe_agent_rotation_waits_since_timestamp_seconds: momentOf(waits.at),
      }),
    coe_agent_old_ca_ended_timestamp_seconds: momentOf(endedAt),
    ...(isAuto && { coe_agent_old_ca_due_timestamp_seconds: momentOf(due) }),
  };
}

/** Returns the samples of the node's routine logins and renewals. */
const ofUpkeep = ({ login, renewal }: UpkeepRecord): Samples => ({
  ...(login && { coe_agent_trust_refusals: [{ value: login.refusals }] }),
  ...(renewal && {
    coe_agent_renewal_last_started_timestamp_seconds: momentOf(renewal.startedAt),
    ...(renewal.outcome && {
      coe_agent_renewal_last_finished_timestamp_seconds: moment((renewal.endedAt ?? NaN) / 1000, {
        outcome: renewal.outcome,
      }),
    }),
  }),
});

const PHASES = ['none', 'trust', 'reissue'] as const;

const ofNotes = ({ trust, phase, rotation }: Observations): Samples => ({
  coe_agent_trust_last_success_timestamp_seconds: moment(trust.succeeded),
  coe_agent_trust_last_refusal_timestamp_seconds: moment(trust.refused),
  ...(phase && {
    coe_agent_phase: PHASES.map((name) => ({
      labels: { phase: name },
      value: Number(name === phase.name),
    })),
    coe_agent_phase_since_timestamp_seconds: moment(phase.since),
  }),
  ...(rotation && {
    coe_agent_rotation_last_finished_timestamp_seconds: moment(rotation.ended, {
      outcome: rotation.succeeded ? 'succeeded' : 'failed',
    }),
    coe_agent_rotation_step_duration_seconds: rotation.steps.map(({ step, of, seconds }) => ({
      labels: { step, ...(of !== undefined && { of }) },
      value: seconds,
    })),
  }),
});
