import { dirname } from 'node:path';
import * as v from 'valibot';
import type { Clock } from '../base/clock.ts';
import type { Disk } from '../base/disk.ts';
import { AgentError, codeOf } from '../base/errors.ts';
import { isObject } from '../base/json.ts';
import { readRecord, writeRecord } from '../base/record.ts';
import type { Collected, Collector } from './collector.ts';

type Message = { id: string; body: unknown };
type Claim = { id: string; messages: readonly Message[] };

/** A queue dedicated to this node. */
export type Queue = {
  id: string;
  /** Maximum number of messages per claim. */
  page: number;
  /** Lifetime of a claim in milliseconds; its messages cannot be claimed again meanwhile. */
  claimMs: number;
  /** Claims the oldest unclaimed messages, in order; undefined if there are none. */
  claim(abort: AbortSignal): Promise<Claim | undefined>;
  /** Releases a claim: its messages are available again. */
  release(claimId: string, abort: AbortSignal): Promise<void>;
  /** Whether a message still exists, claimed or not. */
  has(messageId: string, abort: AbortSignal): Promise<boolean>;
  removeClaimed(claim: Claim, abort: AbortSignal): Promise<void>;
};

const Kept = v.object({ queueId: v.string(), messageId: v.string(), text: v.string() });
type Kept = v.InferOutput<typeof Kept>;

/** More pages than any queue has; the rest would be read at the next poll. */
const MOST_PAGES = 50;

/**
 * Collects from a queue to which Heat posts the whole metadata after each change (ZAQAR_MESSAGE). The newest message is
 * current, and stays current when the queue is empty: it is stored in a record, and only then removed.
 *
 * A claim whose answer was lost, or that a killed run made, hides messages until it expires. Until then, nothing is
 * removed and every claim is released, so that reappearing messages keep their position and an old one is not mistaken
 * for the newest. While the current message itself is hidden, no other can be compared with it.
 */
export function zaqarCollector(
  queue: Queue,
  { disk, clock, path }: { disk: Disk; clock: Clock; path: string },
): Collector {
  let hiddenUntil = clock.elapsed() + queue.claimMs;
  /** Ids of claims known to be active. */
  const held = new Set<string>();

  const claim = async (abort: AbortSignal): Promise<Claim | undefined> => {
    const before = hiddenUntil;
    hiddenUntil = clock.elapsed() + queue.claimMs;
    const claimed = await queue.claim(abort);
    hiddenUntil = before;
    if (claimed) held.add(claimed.id);
    return claimed;
  };
  const release = async (id: string, abort: AbortSignal): Promise<void> => {
    await queue.release(id, abort);
    held.delete(id);
  };
  /** Claims everything in the queue that is not hidden, oldest first. */
  const claimAll = async (abort: AbortSignal): Promise<Claim[]> => {
    const claims: Claim[] = [];
    while (claims.length < MOST_PAGES && (claims.at(-1)?.messages.length ?? queue.page) === queue.page) {
      const claimed = await claim(abort);
      if (!claimed) break;
      claims.push(claimed);
    }
    return claims;
  };

  return {
    name: 'zaqar',
    collect: async (abort) => {
      const kept = await readKept(disk, path, queue.id);
      let current = kept instanceof AgentError ? undefined : kept;
      for (const id of held) await release(id, abort);

      const nothingIsHidden = clock.elapsed() >= hiddenUntil;
      const claims = await claimAll(abort);
      const messages = claims.flatMap((one) => one.messages);
      const newest = messages.findLast(({ body }) => isObject(body));
      if (newest && !(await isHidden(current?.messageId, messages, queue, abort))) {
        const next = { queueId: queue.id, messageId: newest.id, text: JSON.stringify(newest.body) };
        if (next.messageId !== current?.messageId) await keep(disk, path, next);
        current = next;
      }
      for (const claimed of claims)
        if (nothingIsHidden) {
          await queue.removeClaimed(claimed, abort);
          held.delete(claimed.id);
        } else await release(claimed.id, abort);

      if (current === undefined && kept instanceof AgentError) throw kept;
      return [...(current ? [{ source: 'zaqar', text: current.text }] : []), ...messages.flatMap(asJunk)];
    },
  };
}

/** Whether the current message is in the queue, but not among the claimed ones. */
const isHidden = async (
  id: string | undefined,
  given: readonly Message[],
  queue: Queue,
  abort: AbortSignal,
): Promise<boolean> =>
  id !== undefined && !given.some((message) => message.id === id) && (await queue.has(id, abort));

/** Passes on messages that are not objects; decoding reports them. */
const asJunk = ({ id, body }: Message): Collected[] =>
  isObject(body) ? [] : [{ source: `zaqar, message ${id}`, text: JSON.stringify(body) }];

/** Reads the stored metadata; undefined if there is none of this queue, an error if it is damaged. */
async function readKept(disk: Disk, path: string, queueId: string): Promise<Kept | AgentError | undefined> {
  try {
    const record = await readRecord(disk, path);
    if (record === undefined) return undefined;
    const kept = v.safeParse(Kept, record);
    if (!kept.success) return new AgentError('state', `reading ${path}: it is not the metadata of a queue`);
    return kept.output.queueId === queueId ? kept.output : undefined;
  } catch (error) {
    // The next message replaces the damaged record.
    if (error instanceof AgentError && codeOf(error) === 'state') return error;
    throw error;
  }
}

/** Stores metadata with mode 0600: it contains what deployments bring, including credentials. */
async function keep(disk: Disk, path: string, kept: Kept): Promise<void> {
  await disk.makeDirectory(dirname(path), { mode: 0o700 });
  await writeRecord(disk, path, kept);
}

/**
 * Initializes the record with metadata that a predecessor has already taken out of the queue. Keeps an existing record.
 */
export async function keepMetadata(
  disk: Disk,
  path: string,
  { queueId, text }: { queueId: string; text: string },
): Promise<void> {
  if ((await readKept(disk, path, queueId)) === undefined)
    await keep(disk, path, { queueId, messageId: TAKEN_OVER, text });
}

/** No message has this id, so the next one always differs. */
const TAKEN_OVER = 'taken-over';
