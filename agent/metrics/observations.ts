import { join } from 'node:path';
import * as v from 'valibot';
import { AgentError, codeOf } from '../../src/base/errors.ts';
import { readRecordOf, writeRecord } from '../../src/base/record.ts';
import { CA_TYPES } from '../../src/certificates/layout.ts';
import { fingerprint } from '../../src/certificates/read.ts';
import type { Cluster, Hands } from '../hands.ts';
import { STATE } from '../paths.ts';

const Seconds = v.number();

/** What happens now and then, and is gone afterwards unless it is noted. Moments are seconds since the epoch. */
const Observations = v.object({
  trust: v.optional(v.object({ succeeded: v.optional(Seconds), refused: v.optional(Seconds) }), {}),
  /** The CAs that Magnum served, by fingerprint. */
  authorities: v.optional(
    v.record(v.picklist(CA_TYPES), v.optional(v.object({ fingerprint: v.string(), at: Seconds }))),
    {},
  ),
  /** `since` is unknown of the phase that the agent found at its first look. */
  phase: v.optional(v.object({ name: v.string(), since: v.optional(Seconds) })),
});
export type Observations = v.InferOutput<typeof Observations>;

const PATH = join(STATE, 'observations.json');

export type Notebook = {
  /** What has been noted so far. */
  noted: Observations;
  /** Hands that note the logins of the trust, and the CAs that Magnum serves. */
  watch(hands: Hands): Hands;
  /** The phase that the node's certificates show now. */
  see(phase: string): void;
  /** Writes what is new. */
  save(): Promise<void>;
};

/** A record that cannot be read is begun anew: nothing but metrics goes by it. */
export async function openNotebook({ disk, clock }: Pick<Hands, 'disk' | 'clock'>): Promise<Notebook> {
  const noted = await readRecordOf(disk, PATH, Observations).catch((error: unknown) => {
    if (error instanceof AgentError) return undefined;
    throw error;
  });
  return createNotebook(noted ?? v.parse(Observations, {}), { disk, clock });
}

const isRefusal = (error: unknown): boolean => {
  const code = codeOf(error);
  return code === 'login-refused' || code === 'unauthorized';
};

function createNotebook(noted: Observations, { disk, clock }: Pick<Hands, 'disk' | 'clock'>): Notebook {
  let saved = JSON.stringify(noted);
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
      noted.authorities[type] = { fingerprint: fingerprint(ca), at: now() };
      return ca;
    };

  return {
    noted,
    watch: (hands) => ({
      ...hands,
      openCluster: async (...args) => await open(hands.openCluster, args),
    }),
    see: (name) => {
      if (noted.phase === undefined) noted.phase = { name };
      else if (noted.phase.name !== name) noted.phase = { name, since: now() };
    },
    save: async () => {
      const text = JSON.stringify(noted);
      if (text === saved) return;
      await writeRecord(disk, PATH, noted);
      saved = text;
    },
  };
}
