import type { Clock } from '../base/clock.ts';
import { readIfThere } from '../base/disk.ts';
import { AgentError } from '../base/errors.ts';
import { readRecordOf } from '../base/record.ts';
import type { Secrets } from '../base/secrets.ts';
import type { Outcome } from '../deployment/deployment.ts';
import { outcomeOf } from './outcome.ts';
import { lookAfter, type OverdueHands } from './overdue.ts';
import { ProcessIdentity, sendKill } from './process.ts';
import type { RunRequest } from './request.ts';
import type { RunState } from './runs.ts';
import type { StartRun } from './start.ts';
import { createLastBytes } from './last-bytes.ts';
import { openTail } from './tail.ts';

export type RunHands = OverdueHands & {
  clock: Clock;
  secrets: Secrets;
  start: StartRun;
  /** Converts a path of the node to this machine's. */
  at(path: string): string;
  /** Returns the unit name for a deployment's run; undefined without systemd. */
  unitFor(id: string): string | undefined;
  /** Returns systemd's result of a unit; undefined if unknown. */
  endOfUnit(unit: string): Promise<string | undefined>;
  /** Makes systemd forget a failed unit. */
  forgetUnit(unit: string): Promise<void>;
};

/** Receives the redacted output of a run, line by line. */
type Hear = (stream: 'stdout' | 'stderr', line: string) => void;

/** Poll interval of a run; grows with its age. */
const FIRST_LOOK_MS = 20;
const LAST_LOOK_MS = 1000;

/** Whether the starter of a run has ended, or had enough time to begin. */
type IsGone = () => Promise<boolean>;

/**
 * Starts a run at most once: one that is running or has ended is left unchanged.
 *
 * @returns undefined if an earlier start of the agent began the run
 */
export async function startRun(request: RunRequest, hands: RunHands): Promise<IsGone | undefined> {
  const { runs } = hands;
  const { id, what } = request;
  const state = await runs.look(id);
  if (state.is === 'ordered' && !(await runs.withdraw(id))) return undefined;
  if (state.is !== 'none' && state.is !== 'ordered') return undefined;
  const unit = hands.unitFor(id);
  if (unit !== undefined) await hands.forgetUnit(unit);
  const directory = await runs.order(request, unit);
  try {
    return await hands.start(directory, unit, what);
  } catch (error) {
    // Despite the error, the run may have begun.
    if (await runs.withdraw(id)) throw error;
    return undefined;
  }
}

/**
 * Waits for the end of a run.
 *
 * @param isGone undefined: it was begun earlier, and its output so far has been logged
 * @throws `aborted` if `abort` fires: the run continues, and the next start resumes waiting
 */
export async function awaitRun(
  id: string,
  isGone: IsGone | undefined,
  hands: RunHands,
  abort: AbortSignal,
  hear: Hear,
): Promise<Outcome> {
  const { runs, clock } = hands;
  const files = runs.filesOf(id);
  const tails = await Promise.all(
    (['stdout', 'stderr'] as const).map(
      async (stream) =>
        await openTail(hands.at(files[stream]), isGone ? 'start' : 'end', hands.secrets.stream(), (line) => {
          hear(stream, line);
        }),
    ),
  );
  for (let wait = FIRST_LOOK_MS; ; wait = Math.min(wait * 1.5, LAST_LOOK_MS)) {
    const state = await lookAfter(id, hands);
    if (state.is === 'ended' || state.is === 'lost') {
      for (const tail of tails) await tail.end();
      return await endOfRun(id, state, hands);
    }
    if (state.is === 'none' || (state.is === 'ordered' && isGone && (await isGone())))
      if (state.is === 'none' || (await neverBegins(id, hands)))
        throw new AgentError('unit', 'it could not be started: its supervisor exited or hangs', {
          reason: 'run-not-started',
        });
    for (const tail of tails) await tail.read();
    await clock.sleep(wait, abort);
  }
}

/** It may have begun and ended since the previous check. */
const neverBegins = async (id: string, { runs }: RunHands): Promise<boolean> =>
  (await runs.look(id)).is === 'ordered' && (await runs.withdraw(id));

export type EndedRun = Extract<RunState, { is: 'ended' | 'lost' }>;

/** Returns the outcome of a run that has ended or was lost. */
export async function endOfRun(id: string, state: EndedRun, hands: RunHands): Promise<Outcome> {
  const files = hands.runs.filesOf(id);
  // After a restart of the agent, the deployment may not have been received yet.
  for (const secret of state.order?.secrets ?? []) hands.secrets.addFor(id, secret);
  if (state.is === 'ended') return await outcomeOf(state.order, state.result, hands.at(files.outputs));
  const unit = state.order?.unit;
  const verdict = unit === undefined ? undefined : await hands.endOfUnit(unit);
  await endRest(id, hands);
  const what = state.order?.what ?? 'the run';
  const [reason, why] =
    verdict === 'oom-kill'
      ? ['out-of-memory', `${what} exceeded its memory limit and was killed with all its processes`]
      : [
          state.reason,
          `the result of ${what} is unknown: ${state.why}; it is not run again unless you request it again`,
        ];
  const end = async (path: string): Promise<string> => {
    const last = createLastBytes(END_BYTES);
    last.push((await readIfThere(hands.disk, path)) ?? Buffer.alloc(0));
    return last.text();
  };
  return {
    is: 'failed',
    statusCode: 1,
    stdout: await end(files.stdout),
    stderr: `${await end(files.stderr)}[coe-agent: ${why}]\n`,
    outputs: {},
    error: { code: 'unit', reason },
  };
}

const END_BYTES = 64 * 1024;

/** Kills a program that outlived its supervisor: it has been reported as failed, and its output would be lost. */
async function endRest(id: string, { disk, runs, presenceOf }: RunHands): Promise<void> {
  const child = await readRecordOf(disk, runs.filesOf(id).child, ProcessIdentity).catch(() => undefined);
  if (child && (await presenceOf(child)) === 'alive') sendKill(-child.pid);
}
