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

/** All counts and observations of a run. */
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
  /** Starts another phase; `expect` names the identities that must be accepted. */
  mark(name: string, expect?: readonly string[]): void;
  /** Ends the run. */
  stop(): Promise<Result>;
};

/** The pace of a run: a slow machine, or long keys, need a slower one. */
export type Pace = {
  /** Time from one look at the cluster to the next. */
  lookMs: number;
  /** Factor for every client's wait between its attempts. */
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
      attempts.push(...plainAttempts(target, identity, description));
      streams.push(...plainStreams(target, identity, description));
    }
    // Each attempt is a program, so only the first target is used: the load balancer if there is one.
    const [first] = targets;
    if (!first || description.programs === undefined) continue;
    const kubectl = await createKubectl(join(description.programs, 'bin/kubectl'), folder, first, identity);
    attempts.push(...kubectlAttempts(kubectl));
    streams.push(...kubectlStreams(kubectl, description));
  }
  return { attempts, streams };
}

/** Makes one attempt after the other, each in its turn; a turn during an attempt is skipped. */
async function repeat(
  { subject, everyMs, make }: Attempt,
  tally: Tally,
  machine: Machine,
  abort: AbortSignal,
): Promise<void> {
  // The clients start at different times.
  let next = Date.now() + Math.random() * everyMs;
  while (!abort.aborted) {
    await delay(Math.max(0, next - Date.now()), undefined, { signal: abort }).catch(() => undefined);
    if (abort.aborted) return;
    const began = Date.now();
    const made = await make();
    const outcome = made?.outcome;
    const isMachines = outcome?.why === 'time-out' && machine.wasSlowSince(began);
    // An attempt that the end of the run aborted is not a failure.
    if (made && !(abort.aborted && outcome))
      tally.count(subject, isMachines ? { ...outcome, why: 'machine' } : outcome, began);
    const late = Math.max(0, Math.floor((Date.now() - next) / everyMs));
    if (late > 0) tally.skip(subject, late);
    next += (late + 1) * everyMs;
  }
}
