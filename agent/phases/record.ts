import { join } from 'node:path';
import * as v from 'valibot';
import { codeOf } from '../../src/base/errors.ts';
import { readRecordOf, writeRecord } from '../../src/base/record.ts';
import type { Hands } from '../hands.ts';
import { STATE } from '../paths.ts';

/** This node's own state of an automatic rotation. Only root can change it. */
export const ROTATION = join(STATE, 'rotation.json');

const Port = v.object({
  host: v.string(),
  port: v.number(),
  path: v.string(),
  /** The CA that verifies it. */
  ca: v.picklist(['kubernetes', 'etcd']),
});
const KnownPeer = v.object({ name: v.string(), isMaster: v.boolean(), ports: v.array(Port) });
export type KnownPeer = v.InferOutput<typeof KnownPeer>;
export type KnownPort = KnownPeer['ports'][number];

const Record = v.object({
  version: v.literal(1),
  /** The served CAs, and since when this node trusts them. */
  course: v.optional(v.object({ cas: v.string(), since: v.number() })),
  /** The CA before those of `cas`, and when the agent first saw that the node no longer trusts it. */
  oldCa: v.optional(v.object({ cas: v.string(), endedAt: v.optional(v.number()) })),
  /** Every peer that this node has seen. */
  peers: v.optional(v.array(KnownPeer), []),
  /** The objects of the cluster that still needed the old CA at the last look before `retire` with these CAs. */
  oldCaUsers: v.optional(
    v.object({
      cas: v.string(),
      at: v.number(),
      /** Whether the look covered the whole cluster. */
      isAll: v.boolean(),
      count: v.number(),
      /** The first of these objects. */
      users: v.array(
        v.object({
          kind: v.string(),
          namespace: v.string(),
          name: v.string(),
          reason: v.picklist(['trusts-old-ca', 'signed-by-old-ca', 'started-before']),
        }),
      ),
    }),
  ),
  /** Since when this master has skipped restarts because it got no turn, and why. */
  turnMissed: v.optional(v.object({ why: v.string(), at: v.number() })),
  /** The end of the hold for which a warning was logged, in milliseconds since the epoch. */
  holdWarned: v.optional(v.number()),
  /** The result of the last look, for `agent status`. */
  waits: v.optional(
    v.object({ why: v.string(), for: v.array(v.string()), until: v.optional(v.number()), at: v.number() }),
  ),
});
export type RotationRecord = v.InferOutput<typeof Record>;

const NONE: RotationRecord = { version: 1, peers: [] };

/** The operator's orders. The verb writes them while the daemon runs, so they have their own file. */
export const ORDERS = join(STATE, 'rotation-orders.json');

const Orders = v.object({
  version: v.literal(1),
  /** `agent rotation finish --now`: for these CAs. */
  finish: v.optional(v.string()),
  /** `agent rotation hold`: the end of the hold, in milliseconds since the epoch. */
  heldUntil: v.optional(v.number()),
});
export type Orders = v.InferOutput<typeof Orders>;

/** Reads the orders. A missing or damaged record contains none. */
export async function readOrders({ disk }: Pick<Hands, 'disk'>): Promise<Orders> {
  const orders = await readRecordOf(disk, ORDERS, Orders).catch((error: unknown) => {
    if (codeOf(error) !== 'state') throw error;
    return undefined;
  });
  return orders ?? { version: 1 };
}

export async function writeOrders(orders: Orders, { disk }: Pick<Hands, 'disk'>): Promise<void> {
  // The daemon may never have run.
  await disk.makeDirectory(STATE, { mode: 0o700 });
  await writeRecord(disk, ORDERS, orders);
}

/** Reads the state. If the record is damaged, the time that `retire` waits starts again, and peers are found again. */
export async function readRotation({ disk }: Pick<Hands, 'disk'>): Promise<RotationRecord> {
  const record = await readRecordOf(disk, ROTATION, Record).catch((error: unknown) => {
    if (codeOf(error) !== 'state') throw error;
    return undefined;
  });
  return record ?? NONE;
}

export async function writeRotation(record: RotationRecord, { disk }: Pick<Hands, 'disk'>): Promise<void> {
  await writeRecord(disk, ROTATION, record);
}
