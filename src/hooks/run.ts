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
  /** This machine's path for one of the node's. */
  at(path: string): string;
  /** The unit that a deployment's run is to have; undefined where there is no systemd. */
  unitFor(id: string): string | undefined;
  /** Why systemd has ended a unit, in its own word; undefined when it does not know. */
  endOfUnit(unit: string): Promise<string | undefined>;
  /** Lets systemd forget a unit that has failed. */
  forgetUnit(unit: string): Promise<void>;
};

/** What a run says while it runs, without its secrets. */
type Hear = (stream: 'stdout' | 'stderr', line: string) => void;

/** How often a run is looked at: often while it is young. */
const FIRST_LOOK_MS = 20;
const LAST_LOOK_MS = 1000;

/** Whether what should run something is gone again, or has had time enough to begin. */
type IsGone = () => Promise<boolean>;

/**
 * Starts what is asked for, once: a run that is under way or has ended stays as it is.
 *
 * @returns undefined when the run was begun by an earlier start of the agent
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
    // Whatever went wrong, it may have begun all the same.
    if (await runs.withdraw(id)) throw error;
    return undefined;
  }
}

/**
 * Waits for the end of a run.
 *
 * @param isGone undefined: it was begun earlier, and what it has said until now has been heard
 * @throws `aborted` when the program is to stop: the run goes on, and the next start takes it up
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
        throw new AgentError('unit', 'it could not be started: its supervisor ended at once, or hangs', {
          reason: 'run-not-started',
        });
    for (const tail of tails) await tail.read();
    await clock.sleep(wait, abort);
  }
}

/** Between the two looks it may have begun, and ended. */
const neverBegins = async (id: string, { runs }: RunHands): Promise<boolean> =>
  (await runs.look(id)).is === 'ordered' && (await runs.withdraw(id));

export type EndedRun = Extract<RunState, { is: 'ended' | 'lost' }>;

/** What a run that has ended, or was lost, has come to. */
export async function endOfRun(id: string, state: EndedRun, hands: RunHands): Promise<Outcome> {
  const files = hands.runs.filesOf(id);
  // Its deployment may not have been asked for yet since the agent was started.
  for (const secret of state.order?.secrets ?? []) hands.secrets.addFor(id, secret);
  if (state.is === 'ended') return await outcomeOf(state.order, state.result, hands.at(files.outputs));
  const unit = state.order?.unit;
  const verdict = unit === undefined ? undefined : await hands.endOfUnit(unit);
  await endRest(id, hands);
  const what = state.order?.what ?? 'the run';
  const [reason, why] =
    verdict === 'oom-kill'
      ? ['out-of-memory', `${what} took more memory than it may, and was killed with all that it had started`]
      : [state.reason, `how ${what} ended is not known: ${state.why}; it is not run again, ask for it anew`];
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

/** Nobody would hear any more what the program does, and it is told as failed: it is ended. */
async function endRest(id: string, { disk, runs, presenceOf }: RunHands): Promise<void> {
  const child = await readRecordOf(disk, runs.filesOf(id).child, ProcessIdentity).catch(() => undefined);
  if (child && (await presenceOf(child)) === 'alive') sendKill(-child.pid);
}
