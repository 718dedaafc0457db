import { codeOf } from '../../src/base/errors.ts';
import { type LogEntry, textOf } from '../../src/base/log.ts';
import { once } from '../../src/base/retry.ts';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import { createNodeEvents, type NodeEvent } from '../../src/services/node-events.ts';
import { reasonOnNode } from '../events.ts';
import type { Hands } from '../hands.ts';
import { BRIEFLY } from '../rotation/own-api.ts';

/** Queues events until an API server accepts them. */
export type EventQueue = {
  /** Adds an event if it belongs on the Node. @returns whether it does */
  take(entry: LogEntry): boolean;
  isEmpty(): boolean;
  /** Sends the waiting events, oldest first. @throws the API's error; the remaining events keep waiting */
  send(ask: AskApi, node: string, abort: AbortSignal): Promise<void>;
};

/** Limit for waiting events and for remembered names. The oldest are dropped. */
const MOST = 32;
/** kube-apiserver keeps an event for one hour (`--event-ttl`). */
const LIFETIME_MS = 3_600_000;

export function createEventQueue({ clock }: Pick<Hands, 'clock'>): EventQueue {
  const waiting: NodeEvent[] = [];
  /** By reason and message: an equal event increments the count. */
  const made = new Map<string, { name: string; count: number }>();

  const sendOne = async (event: NodeEvent, ask: AskApi, node: string, abort: AbortSignal): Promise<void> => {
    const events = createNodeEvents(ask, once, BRIEFLY);
    const key = `${event.reason} ${event.message}`;
    const before = made.get(key);
    const count = (before?.count ?? 0) + 1;
    if (before && (await events.repeat(before.name, count, event.at, abort))) {
      made.set(key, { name: before.name, count });
      return;
    }
    made.delete(key);
    made.set(key, { name: await events.make(node, event, abort), count: 1 });
    const [oldest = ''] = made.keys();
    if (made.size > MOST) made.delete(oldest);
  };

  return {
    take: (entry) => {
      const reason = reasonOnNode(entry);
      if (reason === undefined) return false;
      const type = entry.level === 'info' ? 'Normal' : 'Warning';
      waiting.push({ reason, type, message: textOf(entry), at: clock.now() });
      if (waiting.length > MOST) waiting.shift();
      return true;
    },
    isEmpty: () => waiting.length === 0,
    send: async (ask, node, abort) => {
      for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) {
        if (clock.now() - event.at > LIFETIME_MS) continue;
        try {
          await sendOne(event, ask, node, abort);
        } catch (error) {
          // A rejected event would be rejected again.
          if (codeOf(error) !== 'cloud-refused') waiting.unshift(event);
          throw error;
        }
      }
    },
  };
}
