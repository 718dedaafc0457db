import { join } from 'node:path';
import * as v from 'valibot';
import { AgentError, codeOf } from '../../src/base/errors.ts';
import type { LogEntry } from '../../src/base/log.ts';
import { readRecordOf, writeRecord } from '../../src/base/record.ts';
import { CA_TYPES } from '../../src/certificates/layout.ts';
import { fingerprint } from '../../src/certificates/read.ts';
import { canonicalCa } from '../../src/certificates/trusted.ts';
import type { EventCode } from '../events.ts';
import type { Cluster, Hands } from '../hands.ts';
import type { PassResult } from '../pass.ts';
import { STATE } from '../paths.ts';
import type { StepCode } from '../progress.ts';

const Seconds = v.number();
const Step = v.object({ step: v.string(), of: v.optional(v.string()), seconds: v.number() });

/** Rare events that are recorded nowhere else. Times are in seconds since the epoch. */
const Observations = v.object({
  trust: v.optional(v.object({ succeeded: v.optional(Seconds), refused: v.optional(Seconds) }), {}),
  /** The CAs that Magnum served, by fingerprint. */
  authorities: v.optional(
    v.record(v.picklist(CA_TYPES), v.optional(v.object({ fingerprint: v.string(), at: Seconds }))),
    {},
  ),
  /** `since` is unknown for a phase that the agent found at its first look. */
  phase: v.optional(v.object({ name: v.string(), since: v.optional(Seconds) })),
  /** The last rotation, with its completed steps. */
  rotation: v.optional(v.object({ ended: Seconds, succeeded: v.boolean(), steps: v.array(Step) })),
});
export type Observations = v.InferOutput<typeof Observations>;

const PATH = join(STATE, 'observations.json');

export type Notebook = {
  /** The observations so far. */
  noted: Observations;
  /** Returns hands that record logins with the trust, the CAs that Magnum serves, and the duration of each step. */
  watch(hands: Hands): Hands;
  /** Records the start and end of a phase that the node takes by itself, without a deployment. */
  heard(entry: Pick<LogEntry, 'event' | 'fields'>): void;
  /** Records the phase that the node's certificates show now. */
  see(phase: string): void;
  /** Records how the last rotation of a pass ended, if there was one. */
  ended(settled: PassResult['settled']): void;
  /** Writes new observations. */
  save(): Promise<void>;
};

/** Opens the record. An unreadable one starts empty: only metrics use it. */
export async function openNotebook({
  disk,
  clock,
  log,
}: Pick<Hands, 'disk' | 'clock' | 'log'>): Promise<Notebook> {
  const noted = await readRecordOf(disk, PATH, Observations).catch((error: unknown) => {
    if (error instanceof AgentError) return undefined;
    throw error;
  });
  const notebook = createNotebook(noted ?? v.parse(Observations, {}), { disk, clock });
  log.setListener('metrics', notebook.heard);
  return notebook;
}

/** Steps that only rotations have. */
const OF_A_ROTATION: ReadonlySet<string> = new Set<StepCode>(['compare', 'issue']);

const isRefusal = (error: unknown): boolean => {
  const code = codeOf(error);
  return code === 'login-refused' || code === 'unauthorized';
};

function createNotebook(noted: Observations, { disk, clock }: Pick<Hands, 'disk' | 'clock'>): Notebook {
  let saved = JSON.stringify(noted);
  /** The steps of each deployment since the last pass. */
  const steps = new Map<string, v.InferOutput<typeof Step>[]>();
  let current = '';
  const now = (): number => clock.now() / 1000;

  const open = async (
    openCluster: Hands['openCluster'],
    args: Parameters<Hands['openCluster']>,
  ): Promise<Cluster> => {
    const isTrust = args[1] === undefined;
    try {
      const cluster = await openCluster(...args);
      if (isTrust) noted.trust.succeeded = now();
      return { ...cluster, readCa: watchCa(cluster.readCa) };
    } catch (error) {
      if (isTrust && isRefusal(error)) noted.trust.refused = now();
      throw error;
    }
  };
  const watchCa =
    (readCa: Cluster['readCa']): Cluster['readCa'] =>
    async (type, believe) => {
      const ca = await readCa(type, believe);
      noted.authorities[canonicalCa(type)] = { fingerprint: fingerprint(ca), at: now() };
      return ca;
    };

  return {
    noted,
    watch: (hands) => ({
      ...hands,
      openCluster: async (...args) => await open(hands.openCluster, args),
      progress: (event) => {
        if (event.event === 'deployment') {
          current = event.id;
          steps.set(current, []);
        }
        if (event.event === 'done') {
          const { code: step, of } = event.step;
          steps.get(current)?.push({ step, of, seconds: event.ms / 1000 });
        }
        hands.progress(event);
      },
    }),
    heard: ({ event, fields }) => {
      const id = `phase ${String(fields['phase'])}`;
      if (event === ('phase-started' satisfies EventCode)) {
        current = id;
        steps.set(id, []);
      }
      const succeeded = event === ('phase-done' satisfies EventCode);
      if (!succeeded && event !== ('phase-failed' satisfies EventCode)) return;
      noted.rotation = { ended: now(), succeeded, steps: steps.get(id) ?? [] };
      steps.delete(id);
      current = '';
    },
    see: (name) => {
      if (noted.phase === undefined) noted.phase = { name };
      else if (noted.phase.name !== name) noted.phase = { name, since: now() };
    },
    ended: (settled) => {
      const last = settled.findLast(({ id }) => steps.get(id)?.some(({ step }) => OF_A_ROTATION.has(step)));
      if (last)
        noted.rotation = {
          ended: now(),
          succeeded: last.outcome.is === 'succeeded',
          steps: steps.get(last.id) ?? [],
        };
      steps.clear();
    },
    save: async () => {
      const text = JSON.stringify(noted);
      if (text === saved) return;
      await writeRecord(disk, PATH, noted);
      saved = text;
    },
  };
}
