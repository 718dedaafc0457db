import { join } from 'node:path';
import * as v from 'valibot';
import type { Clock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import { AgentError } from '../base/errors.ts';
import { readRecord, writeRecord } from '../base/record.ts';
import { appliedByHeatConfig, readTakenOver } from './applied.ts';
import { type Deployment, type Outcome, OutcomeSchema, SignalTargetSchema } from './deployment.ts';
import type { SettledAt } from './pending.ts';

/**
 * The record of each deployment. *Finished* and *signalled* are separate states. Each is on disk before the next step,
 * so a kill between two of them loses nothing and repeats nothing.
 *
 *     accepted -> started -> finished(outcome) -> signalled
 *                                              -> superseded (a newer one exists: its answer is never sent)
 *
 * A deployment that Heat no longer lists keeps its state: an answer may be stale or empty, and a later one may list it
 * again.
 */
const Entry = v.object({
  id: v.string(),
  name: v.string(),
  group: v.string(),
  action: v.string(),
  resource: v.string(),
  createdAt: v.number(),
  /** See `Deployment.asks`. */
  asks: v.string(),
  /** The same without its phase; earlier versions did not have phases and did not write it. */
  rotation: v.optional(v.string()),
  /** The names of the outputs that Heat expects. */
  outputs: v.array(v.string()),
  state: v.picklist(['accepted', 'started', 'finished', 'signalled', 'superseded']),
  /** How often its work was begun. */
  begun: v.optional(v.number()),
  /** When each state was reached, ISO 8601. */
  at: v.record(v.string(), v.string()),
  outcome: v.optional(OutcomeSchema),
  /** How to signal; contains credentials, and is deleted once no answer is expected. */
  signal: v.optional(SignalTargetSchema),
  /** Number of consecutive complete answers that did not list it. */
  unlisted: v.optional(v.number()),
});

export type Entry = Omit<v.InferOutput<typeof Entry>, 'rotation'> & { rotation: string };

const readEntry = (record: unknown): Entry => {
  const entry = v.parse(Entry, record);
  return { ...entry, rotation: entry.rotation ?? entry.asks };
};

/** A single answer without a deployment may be an error; after this many, the deployment is dropped. */
const GIVEN_UP_AFTER = 2;

export const isGivenUp = ({ unlisted = 0 }: Pick<Entry, 'unlisted'> = {}): boolean =>
  unlisted >= GIVEN_UP_AFTER;

/** Whether its work or its signal is still pending. */
export const isOpen = (entry: Entry): boolean =>
  entry.state !== 'signalled' && entry.state !== 'superseded' && !isGivenUp(entry);

export type Ledger = {
  /** Returns all entries, oldest first. */
  entries(): Entry[];
  find(id: string): Entry | undefined;
  /** Returns the earlier entries of a deployment's resource, oldest first. */
  earlier(deployment: Pick<Deployment, 'id' | 'resource'>): Entry[];
  /** When a finished deployment was accepted; 0 if the predecessor on this node did it. */
  settledAt: SettledAt;
  /**
   * Whether a deployment was accepted but its record is damaged. Neither running it again nor silence would be safe, so
   * it is answered as failed; Heat ignores that if it no longer waits.
   */
  damaged(id: string): boolean;
  accept(deployment: Deployment): Promise<void>;
  start(id: string): Promise<void>;
  finish(id: string, outcome: Outcome): Promise<void>;
  signalled(id: string): Promise<void>;
  supersede(id: string): Promise<void>;
  /** Records that a complete answer did not list it. @returns whether it is now dropped until it is listed again */
  miss(id: string): Promise<boolean>;
  /** Records that it is listed again. */
  relist(deployment: Pick<Deployment, 'id' | 'signal'>): Promise<Entry>;
};

/** Reduces an outcome that is no longer awaited: keeps the result but no output values, which may be secret. */
const remembered = (outcome: Outcome): Outcome => ({
  ...outcome,
  stdout: outcome.stdout.slice(-REMEMBERED),
  stderr: outcome.stderr.slice(-REMEMBERED),
  outputs: {},
});

const REMEMBERED = 16_384;

/**
 * How many answered deployments per resource are kept: enough to recognize the inputs of a roll-back. Heat sends only
 * the newest deployment of a resource, so one with this many successors does not return.
 */
const KEPT = 20;

/** The record of what the predecessor had done when it was replaced. */
export const TAKEN_OVER = 'taken-over';

/**
 * Opens the ledger in a directory. Reports a record that cannot be read to `onDamage`: whether its deployment has run
 * is unknown.
 */
export async function openLedger(
  hands: { disk: Disk; clock: Clock; onDamage: (path: string, error: unknown) => void },
  directory: string,
): Promise<Ledger> {
  const { disk, clock } = hands;
  const entries = new Map<string, Entry>();
  const elsewhere = new Set<string>();
  const damaged = new Set<string>();
  const fileOf = (id: string): string => join(directory, `${id}.json`);

  for (const { id } of await appliedByHeatConfig(disk)) elsewhere.add(id);
  const takenOver = join(directory, TAKEN_OVER);
  try {
    for (const id of await readTakenOver(disk, takenOver)) elsewhere.add(id);
  } catch (error) {
    hands.onDamage(takenOver, error);
  }

  for (const name of await disk.list(directory)) {
    if (!name.endsWith('.json') || name.startsWith('.')) continue;
    const id = name.slice(0, -'.json'.length);
    try {
      entries.set(id, readEntry(await readRecord(disk, fileOf(id))));
    } catch (error) {
      hands.onDamage(fileOf(id), error);
      damaged.add(id);
    }
  }

  const write = async (entry: Entry): Promise<void> => {
    await disk.makeDirectory(directory, { mode: 0o700 });
    await writeRecord(disk, fileOf(entry.id), entry);
    entries.set(entry.id, entry);
  };
  const change = async (id: string, changes: (entry: Entry) => Partial<Entry>): Promise<Entry> => {
    const entry = entries.get(id);
    if (!entry) throw new AgentError('state', `deployment ${id} is not in the ledger`);
    const changed = { ...entry, ...changes(entry) };
    await write(changed);
    return changed;
  };
  const advance = async (id: string, state: Entry['state'], changes: Partial<Entry> = {}): Promise<void> => {
    await change(id, ({ at }) => ({ ...changes, state, at: { ...at, [state]: now() } }));
  };
  const now = (): string => new Date(clock.now()).toISOString();
  const close = async (id: string, state: 'signalled' | 'superseded'): Promise<void> => {
    const outcome = entries.get(id)?.outcome;
    await advance(id, state, { signal: undefined, ...(outcome && { outcome: remembered(outcome) }) });
  };

  // Sorts by Heat's clock first, because this node's clock may have been set back.
  const inOrder = (): Entry[] =>
    [...entries.values()].toSorted(
      (a, b) => a.createdAt - b.createdAt || ((a.at['accepted'] ?? '') < (b.at['accepted'] ?? '') ? -1 : 1),
    );

  const forgetOldest = async (resource: string): Promise<void> => {
    const answered = inOrder().filter(
      (entry) => entry.resource === resource && (entry.state === 'signalled' || entry.state === 'superseded'),
    );
    for (const { id } of answered.slice(0, -KEPT)) {
      await disk.remove(fileOf(id));
      entries.delete(id);
    }
  };

  return {
    entries: inOrder,
    earlier: ({ id, resource }) =>
      inOrder().filter((entry) => entry.resource === resource && entry.id !== id),
    find: (id) => entries.get(id),
    damaged: (id) => damaged.has(id) && !entries.has(id),
    settledAt: (id) => {
      const entry = entries.get(id);
      if (!entry) return elsewhere.has(id) ? 0 : undefined;
      const isOver = entry.state !== 'accepted' && entry.state !== 'started';
      return isOver ? Date.parse(entry.at['accepted'] ?? '') || 0 : undefined;
    },
    accept: async ({ id, name, group, action, resource, createdAt, asks, rotation, outputs, signal }) => {
      await write({
        id,
        name,
        group,
        action,
        resource,
        createdAt,
        asks,
        rotation,
        signal,
        outputs: outputs.map((output) => output.name),
        state: 'accepted',
        at: { accepted: now() },
      });
      await forgetOldest(resource);
    },
    start: async (id) => {
      await advance(id, 'started', { begun: (entries.get(id)?.begun ?? 0) + 1 });
    },
    finish: async (id, outcome) => {
      await advance(id, 'finished', { outcome });
    },
    signalled: async (id) => {
      await close(id, 'signalled');
    },
    supersede: async (id) => {
      await close(id, 'superseded');
    },
    miss: async (id) => {
      const missed = await change(id, ({ unlisted = 0, signal }) => {
        const isLast = unlisted + 1 >= GIVEN_UP_AFTER;
        return { unlisted: unlisted + 1, signal: isLast ? undefined : signal };
      });
      return isGivenUp(missed);
    },
    relist: async ({ id, signal }) => await change(id, () => ({ unlisted: undefined, signal })),
  };
}
