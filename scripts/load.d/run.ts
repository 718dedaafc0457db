import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Attempt, plainAttempts } from './clients.ts';
import { type Description, targetsOf } from './description.ts';
import { etcdAttempts } from './etcd.ts';
import { createKubectl, kubectlAttempts } from './kubectl.ts';
import { type Machine, type MachineSeconds, watchMachine } from './machine.ts';
import { record, type Recorded } from './record.ts';
import { keepOpen, kubectlStreams, plainStreams, type Stream, type StreamCount } from './streams.ts';
import { createTally, type Mark, type Row, type Tally } from './tally.ts';

/** Everything that a run has counted and seen. */
export type Result = {
  began: string;
  seconds: number;
  marks: readonly Mark[];
  rows: Row[];
  streams: StreamCount[];
  recorded: Recorded;
  machine: MachineSeconds;
};

export type Run = {
  /** From here on another phase is counted; `expect` names the identities that are to be let in. */
  mark(name: string, expect?: readonly string[]): void;
  /** Ends it. */
  stop(): Promise<Result>;
};

/** How fast: a slow machine, or long keys, take a slower pace. */
export type Pace = {
  /** From one look at the cluster to the next. */
  lookMs: number;
  /** Every client waits this many times as long between its attempts. */
  slowdown: number;
};

/** @param folder for the record, a line per change, and kubectl's own files */
export async function startRun(
  description: Description,
  { lookMs, slowdown }: Pace,
  folder: string,
): Promise<Run> {
  const began = Date.now();
  await mkdir(folder, { recursive: true });
  const machine = await watchMachine();
  const tally = createTally(Date.now);
  const stop = new AbortController();
  const { attempts, streams } = await workOf(description, join(folder, 'kubectl'));
  const busy = attempts.map(
    async (attempt) =>
      await repeat({ ...attempt, everyMs: attempt.everyMs * slowdown }, tally, machine, stop.signal),
  );
  const open = streams.map(async (stream) => await keepOpen(stream, stop.signal));
  const write = async (line: unknown): Promise<void> =>
    await appendFile(join(folder, 'record.jsonl'), `${JSON.stringify(line)}\n`);
  const recording = record(description, lookMs, write, stop.signal);
  return {
    mark: tally.mark,
    stop: async () => {
      stop.abort();
      const [recorded, counts] = await Promise.all([recording, Promise.all(open), Promise.all(busy)]);
      await machine.close();
      return {
        began: new Date(began).toISOString(),
        seconds: Math.round((Date.now() - began) / 1000),
        marks: tally.marks,
        rows: tally.rows(),
        streams: counts,
        recorded,
        machine: machine.seconds,
      };
    },
  };
}

async function workOf(
  description: Description,
  folder: string,
): Promise<{ attempts: Attempt[]; streams: Stream[] }> {
  const attempts = etcdAttempts(description);
  const streams: Stream[] = [];
  const targets = targetsOf(description);
  for (const identity of description.identities) {
    for (const target of targets) {
      attempts.push(...plainAttempts(target, identity));
      streams.push(...plainStreams(target, identity, description));
    }
    // A program for each attempt: the first target alone, which is the load balancer where there is one.
    const [first] = targets;
    if (!first || description.programs === undefined) continue;
    const kubectl = await createKubectl(join(description.programs, 'bin/kubectl'), folder, first, identity);
    attempts.push(...kubectlAttempts(kubectl));
    streams.push(...kubectlStreams(kubectl, description));
  }
  return { attempts, streams };
}

/** One attempt after the other, each in its turn; a turn that comes while one is under way is passed over. */
async function repeat(
  { subject, everyMs, make }: Attempt,
  tally: Tally,
  machine: Machine,
  abort: AbortSignal,
): Promise<void> {
  // Not all in the same instant.
  let next = Date.now() + Math.random() * everyMs;
  while (!abort.aborted) {
    await delay(Math.max(0, next - Date.now()), undefined, { signal: abort }).catch(() => undefined);
    if (abort.aborted) return;
    const began = Date.now();
    const made = await make();
    const outcome = made?.outcome;
    const isMachines = outcome?.why === 'time-out' && machine.wasSlowSince(began);
    // What the end of the run has broken off is no failure.
    if (made && !(abort.aborted && outcome))
      tally.count(subject, isMachines ? { ...outcome, why: 'machine' } : outcome, began);
    const late = Math.max(0, Math.floor((Date.now() - next) / everyMs));
    if (late > 0) tally.skip(subject, late);
    next += (late + 1) * everyMs;
  }
}
