import { randomUUID } from 'node:crypto';

export type Message = {
  id: string;
  body: unknown;
  /** Seconds. */
  ttl: number;
  postedAt: number;
  /** The poster's Client-ID. */
  client: string;
  claim: { id: string; until: number } | undefined;
};

export type Queues = ReturnType<typeof createQueues>;

/** The queues of all projects, like in Zaqar: each project has its own queue names. */
export function createQueues({ now }: { now: () => number }) {
  const queues = new Map<string, Message[]>();
  const listeners = new Set<(queue: string, messages: readonly Message[]) => void>();

  /** All messages that have not expired, also claimed ones. */
  const all = (queue: string): Message[] => {
    const left = (queues.get(queue) ?? []).filter((one) => one.postedAt + one.ttl * 1000 > now());
    queues.set(queue, left);
    for (const message of left) if (message.claim && message.claim.until <= now()) message.claim = undefined;
    return left;
  };
  const free = (queue: string): Message[] => all(queue).filter(({ claim }) => claim === undefined);
  const remove = (queue: string, ids: readonly string[]): void => {
    queues.set(
      queue,
      all(queue).filter(({ id }) => !ids.includes(id)),
    );
  };

  return {
    /** Whole seconds. */
    ageOf: ({ postedAt }: Message): number => Math.floor((now() - postedAt) / 1000),
    all,
    free,
    remove,
    post: (queue: string, bodies: readonly { body: unknown; ttl: number }[], client: string): Message[] => {
      const messages = bodies.map(({ body, ttl }) => ({
        id: randomUUID(),
        body,
        ttl,
        client,
        postedAt: now(),
        claim: undefined,
      }));
      queues.set(queue, [...all(queue), ...messages]);
      for (const listener of listeners) listener(queue, messages);
      return messages;
    },
    claim: (queue: string, seconds: number, limit: number): { id: string; messages: Message[] } => {
      const id = randomUUID();
      const messages = free(queue).slice(0, limit);
      for (const message of messages) message.claim = { id, until: now() + seconds * 1000 };
      return { id, messages };
    },
    release: (queue: string, claimId: string): void => {
      for (const message of all(queue)) if (message.claim?.id === claimId) message.claim = undefined;
    },
    pop: (queue: string, limit: number): Message[] => {
      const messages = free(queue).slice(0, limit);
      remove(
        queue,
        messages.map(({ id }) => id),
      );
      return messages;
    },
    /** Called for every posted message. */
    onPost: (listener: (queue: string, messages: readonly Message[]) => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** A queue's name in the store. */
export const queueOf = (projectId: string, name: string): string => `${projectId}/${name}`;
