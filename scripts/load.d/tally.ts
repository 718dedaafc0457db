import type { Failure, Outcome, Why } from './outcome.ts';

export const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);

/** The key of a count. */
export type Subject = { client: string; does: string; at: string; as: string };

/** Counts since a mark. */
export type Count = {
  attempts: number;
  failed: Partial<Record<Why, number>>;
  /** Turns that were skipped, because the former attempt took too long. */
  skipped: number;
  /** The longest time without a success, in milliseconds. */
  longestOutageMs: number;
  /** The first failure of each kind. */
  examples: Partial<Record<Why, string>>;
};

export type Mark = {
  name: string;
  at: string;
  /** Identities that must be accepted from here on; undefined: all. */
  expect?: readonly string[];
};

export type Row = Subject & { mark: string; expected: boolean } & Count;

export type Tally = {
  mark(name: string, expect?: readonly string[]): void;
  count(subject: Subject, outcome: Outcome, beganMs: number): void;
  skip(subject: Subject, turns: number): void;
  readonly marks: readonly Mark[];
  rows(): Row[];
};

const keyOf = ({ client, does, at, as }: Subject): string => JSON.stringify([client, does, at, as]);

export function createTally(now: () => number): Tally {
  const marks: Mark[] = [{ name: 'start', at: new Date(now()).toISOString() }];
  const counts = new Map<string, { subject: Subject; mark: number; count: Count; outageSince?: number }>();

  const entryOf = (subject: Subject) => {
    const mark = marks.length - 1;
    const key = `${mark} ${keyOf(subject)}`;
    const entry = counts.get(key) ?? {
      subject,
      mark,
      count: { attempts: 0, failed: {}, skipped: 0, longestOutageMs: 0, examples: {} },
    };
    counts.set(key, entry);
    return entry;
  };

  const fail = (count: Count, { why, detail }: Failure): void => {
    count.failed[why] = (count.failed[why] ?? 0) + 1;
    count.examples[why] ??= `${new Date(now()).toISOString()} ${detail}`;
  };

  return {
    marks,
    mark: (name, expect) => {
      marks.push({ name, at: new Date(now()).toISOString(), ...(expect && { expect }) });
    },
    count: (subject, outcome, beganMs) => {
      const entry = entryOf(subject);
      entry.count.attempts += 1;
      if (outcome) {
        fail(entry.count, outcome);
        entry.outageSince ??= beganMs;
      }
      if (entry.outageSince !== undefined)
        entry.count.longestOutageMs = Math.max(entry.count.longestOutageMs, now() - entry.outageSince);
      if (!outcome) delete entry.outageSince;
    },
    skip: (subject, turns) => {
      entryOf(subject).count.skipped += turns;
    },
    rows: () =>
      [...counts.values()].map(({ subject, mark, count }) => {
        const { name = '', expect } = marks[mark] ?? {};
        return { mark: name, ...subject, expected: expect?.includes(subject.as) ?? true, ...count };
      }),
  };
}
