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

/** A queue that is there for this node alone. */
export type Queue = {
  id: string;
  /** The most messages of a claim. */
  page: number;
  /** How long a claim keeps its messages from being claimed again, in milliseconds. */
  claimMs: number;
  /** The oldest messages that nobody holds, in their order; undefined when there are none. */
  claim(abort: AbortSignal): Promise<Claim | undefined>;
  /** Gives a claim back: its messages stand in the queue as before. */
  release(claimId: string, abort: AbortSignal): Promise<void>;
  /** Whether a message is still there, whoever holds it. */
  has(messageId: string, abort: AbortSignal): Promise<boolean>;
  removeClaimed(claim: Claim, abort: AbortSignal): Promise<void>;
};

const Kept = v.object({ queueId: v.string(), messageId: v.string(), text: v.string() });
type Kept = v.InferOutput<typeof Kept>;

/** No queue is longer; more would be told at the next look. */
const MOST_PAGES = 50;

/**
 * A queue into which Heat posts the whole metadata whenever it changes (ZAQAR_MESSAGE). The newest message counts,
 * and goes on to count when the queue is empty: it is kept in a record, and only then removed.
 *
 * A claim whose answer was lost, or that a killed run has made, hides messages for a while. Until that is over
 * nothing is removed, and every claim is given back: so what comes back is seen where it stands, and an old message
 * is not taken for the newest. While the one that counts is hidden itself, no other can be compared with it.
 */
export function zaqarCollector(
  queue: Queue,
  { disk, clock, path }: { disk: Disk; clock: Clock; path: string },
): Collector {
  let hiddenUntil = clock.elapsed() + queue.claimMs;
  /** Claims that this program knows to be in force. */
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
  /** Everything that is in the queue and not hidden, oldest first. */
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

/** Whether the message that counts is in the queue, but not among those that were given. */
const isHidden = async (
  id: string | undefined,
  given: readonly Message[],
  queue: Queue,
  abort: AbortSignal,
): Promise<boolean> =>
  id !== undefined && !given.some((message) => message.id === id) && (await queue.has(id, abort));

/** What is no object is no metadata: whoever decodes it says so. */
const asJunk = ({ id, body }: Message): Collected[] =>
  isObject(body) ? [] : [{ source: `zaqar, message ${id}`, text: JSON.stringify(body) }];

/** The metadata of before; undefined when there is none of this queue, an error when it cannot be told. */
async function readKept(disk: Disk, path: string, queueId: string): Promise<Kept | AgentError | undefined> {
  try {
    const record = await readRecord(disk, path);
    if (record === undefined) return undefined;
    const kept = v.safeParse(Kept, record);
    if (!kept.success) return new AgentError('state', `reading ${path}: it is not the metadata of a queue`);
    return kept.output.queueId === queueId ? kept.output : undefined;
  } catch (error) {
    // The next message replaces it.
    if (error instanceof AgentError && codeOf(error) === 'state') return error;
    throw error;
  }
}

/** It holds what a deployment brings along, credentials too: for this program's user alone, as every record. */
async function keep(disk: Disk, path: string, kept: Kept): Promise<void> {
  await disk.makeDirectory(dirname(path), { mode: 0o700 });
  await writeRecord(disk, path, kept);
}

/**
 * Lets a queue begin with metadata that a predecessor has taken out of it. What this node has kept itself stays.
 */
export async function keepMetadata(
  disk: Disk,
  path: string,
  { queueId, text }: { queueId: string; text: string },
): Promise<void> {
  if ((await readKept(disk, path, queueId)) === undefined)
    await keep(disk, path, { queueId, messageId: TAKEN_OVER, text });
}

/** No message has this id: the next one is another. */
const TAKEN_OVER = 'taken-over';
