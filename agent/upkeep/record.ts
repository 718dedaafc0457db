import { join } from 'node:path';
import * as v from 'valibot';
import { codeOf } from '../../src/base/errors.ts';
import { readRecordOf, writeRecord } from '../../src/base/record.ts';
import { CA_TYPES } from '../../src/certificates/layout.ts';
import type { Hands } from '../hands.ts';
import { STATE } from '../paths.ts';

/** Milliseconds since the epoch. */
const Moment = v.number();

const Record = v.object({
  /** The time and result of the last look. */
  lookedAt: v.optional(Moment),
  differences: v.optional(
    v.array(
      v.object({
        code: v.string(),
        severity: v.picklist(['critical', 'warning', 'info']),
        of: v.string(),
        text: v.string(),
        at: v.optional(v.string()),
        /** When it was last logged. */
        toldAt: v.optional(Moment),
      }),
    ),
    [],
  ),
  /** The routine attempts with the node's own login. Those of deployments do not count. */
  login: v.optional(
    v.object({
      /** When the first attempt was scheduled. */
      since: Moment,
      triedAt: v.optional(Moment),
      /** The number of consecutive rejections by Keystone, and the last reason. */
      refusals: v.optional(v.number(), 0),
      why: v.optional(v.string()),
      roles: v.optional(v.array(v.string()), []),
    }),
  ),
  /** The CAs that Magnum served in its last answer, by fingerprint. */
  served: v.optional(v.record(v.picklist(CA_TYPES), v.optional(v.string())), {}),
  servedAt: v.optional(Moment),
  /** Since when a renewal that is due waits for an automatic rotation. */
  awaitsRotation: v.optional(Moment),
  renewal: v.optional(
    v.object({
      startedAt: Moment,
      /** How many consecutive starts did not end, because the program was killed. */
      starts: v.number(),
      endedAt: v.optional(Moment),
      outcome: v.optional(v.picklist(['renewed', 'nothing', 'failed'])),
      why: v.optional(v.string()),
    }),
  ),
});

/** The state of the upkeep between checks; it persists across restarts. */
export type UpkeepRecord = v.InferOutput<typeof Record>;

export const UPKEEP = join(STATE, 'upkeep.json');

/** Reads the record. Returns an empty one if it is missing or damaged: the next look writes a valid one. */
export async function readUpkeep({ disk }: Pick<Hands, 'disk'>): Promise<UpkeepRecord> {
  const record = await readRecordOf(disk, UPKEEP, Record).catch((error: unknown) => {
    if (codeOf(error) === 'state') return undefined;
    throw error;
  });
  return record ?? v.parse(Record, {});
}

export const writeUpkeep = async ({ disk }: Pick<Hands, 'disk'>, record: UpkeepRecord): Promise<void> => {
  await writeRecord(disk, UPKEEP, record);
};
