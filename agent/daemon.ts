import { AgentError, codeOf, explain } from '../src/base/errors.ts';
import type { Clock } from '../src/base/clock.ts';
import { createSlowClock } from './daemon/slow-clock.ts';
import type { Hands } from './hands.ts';
import type { Notify } from './notify.ts';
import { emptyResult, newMemory, pass, type PassResult } from './pass.ts';
import { createAnswerKeeper, readLastAnswer } from './polling/last-answer.ts';
import { createPollSchedule } from './polling/schedule.ts';
import { openReporting, type Reporting } from './reporting.ts';
import { createPodsLoop } from './daemon/pods.ts';
import { createRotationLoop } from './daemon/rotation.ts';
import type { Unrecorded } from './pass/answer-without-ledger.ts';

/** External events that the loop reacts to. */
export type DaemonSignals = {
  /** Fires when the program stops; interruptible work ends. */
  stopping: AbortSignal;
  /** Fires when the configuration must be reloaded, after the pass in progress. */
  reload: AbortSignal;
  /** Returns a signal that ends the next wait early. Every wait has its own signal. */
  nextWake(): AbortSignal;
};

/**
 * Runs the long loop: one pass at a time, then a wait (polling/schedule.ts).
 *
 * @param random in [0, 1)
 * @param unrecorded events that could not be recorded; it outlives the loop
 * @returns when the program must stop, or when it must reload its configuration, also because of the metadata
 */
export async function runDaemon(
  hands: Hands,
  notify: Notify,
  signals: DaemonSignals,
  random: () => number,
  unrecorded: Unrecorded,
): Promise<void> {
  const reporting = await openReporting(hands, { random });
  try {
    await repeatPasses(hands, notify, signals, random, unrecorded, reporting);
  } finally {
    reporting.close();
  }
}

async function repeatPasses(
  hands: Hands,
  notify: Notify,
  { stopping, reload, nextWake }: DaemonSignals,
  random: () => number,
  unrecorded: Unrecorded,
  reporting: Reporting,
): Promise<void> {
  const known = await readLastAnswer(hands);
  const schedule = createPollSchedule(hands.config.poll, random, { isKnown: known !== undefined });
  const memory = newMemory(known);
  const keepLastAnswer = createAnswerKeeper(hands, known);
  const reported = new Set<string>();
  const slowClock = createSlowClock(hands.clock, hands.config.reconcile_interval_seconds * 1000, random);
  const pods = createPodsLoop(reporting.watch(hands));
  const rotation = createRotationLoop(reporting.watch(hands), random);
  let pollsOtherwise = false;
  while (!stopping.aborted && !reload.aborted && !pollsOtherwise) {
    const woken = nextWake();
    const ended = new AbortController();
    let said: string | undefined;
    let isReady = false;
    let changed = false;
    let askedMs = 0;
    const atWork = watched(reporting.watch(hands), notify, ended.signal);
    try {
      if (unrecorded.told.size > 0)
        await (await import('./pass/answer-without-ledger.ts')).recordTold(unrecorded, hands);
      const result = await pass(atWork, memory, stopping);
      unrecorded.since = undefined;
      report(result, hands, reported);
      await reporting.passed(result);
      said = inWords(result);
      isReady = result.problems.every(({ kind }) => kind !== 'not-ready');
      pollsOtherwise = result.pollsOtherwise;
      const looks = !result.awaits && slowClock.due() !== undefined;
      let missesRotation = false;
      if (looks) {
        const { keepUp } = await import('./upkeep.ts');
        const kept = await keepUp(atWork, stopping);
        slowClock.wakeAt(kept.at);
        ({ missesRotation } = kept);
      }
      const hasSettled = result.settled.length > 0;
      const hasStepped = !result.awaits && (await rotation.turn(hasSettled || missesRotation, stopping));
      if (!result.awaits) await pods.turn(stopping);
      if (looks || hasStepped) await reporting.looked();
      // The next pass must compare the node with its desired state again.
      if (hasStepped || hasSettled) slowClock.wakeAt(hands.clock.now());
      changed = hasStepped || result.changed || pollsOtherwise || hasSettled;
      // An answer under another polling configuration is new, even to a node that has just started.
      if (!pollsOtherwise) await keepLastAnswer(memory.lastAnswer);
      askedMs = longestAsked(result);
    } catch (error) {
      if (codeOf(error) === 'aborted') return;
      // This pass did not cause it: a full disk, or a bug. The next pass finds the same state and retries.
      hands.log('pass-broken-off', fieldsOf(error));
      const words = `the last pass broke off: ${explain(error)}`;
      // A fault of the node would remain if systemd restarted the program. A fault of the program might not.
      if (error instanceof AgentError) said = words;
      else notify.status(words);
      const why = new AgentError('state', `the pass broke off: ${explain(error)}`);
      await reporting.passed({ ...emptyResult(), problems: [why] });
      memory.dealtWith = undefined;
      await tellAllTheSame(error, unrecorded, atWork, stopping);
    } finally {
      ended.abort();
    }
    const waitMs = schedule.next({ changed, askedMs });
    // systemd already knows that the daemon is stopping.
    if (stopping.aborted) return;
    if (said !== undefined) notify.passed(said, { ready: isReady, nextMs: waitMs });
    await sleepUnlessWoken(hands.clock, waitMs, AbortSignal.any([stopping, reload, woken]));
  }
}

/**
 * Waits a random time up to the splay, so that nodes that start together do not poll together. If a run was
 * interrupted, it is finished at once instead.
 *
 * @param isReady whether to report the daemon as ready meanwhile
 * @param wake ends the wait
 * @param random in [0, 1)
 */
export async function awaitSplay(
  {
    splayMs,
    clock,
    isInterrupted,
    isReady = false,
  }: { splayMs: number; isReady?: boolean; clock: Pick<Clock, 'sleep'>; isInterrupted(): Promise<boolean> },
  notify: Pick<Notify, 'passed'>,
  wake: AbortSignal,
  random: () => number,
): Promise<void> {
  const waitMs = random() * splayMs;
  if (waitMs === 0 || (await isInterrupted())) return;
  notify.passed('waiting before the first poll (poll.splay_seconds)', { ready: isReady, nextMs: waitMs });
  await sleepUnlessWoken(clock, waitMs, wake);
}

/**
 * Reports work to systemd, because its watchdog expects completed passes and a pass with work may take longer. Every
 * wait in it has its own deadline. A program that hangs reports nothing more.
 */
const watched = (hands: Hands, notify: Notify, ended: AbortSignal): Hands => ({
  ...hands,
  progress: (event) => {
    if (event.event === 'deployment') notify.ready();
    notify.atWork(ended);
    hands.progress(event);
  },
});

async function sleepUnlessWoken(clock: Pick<Clock, 'sleep'>, ms: number, wake: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, wake);
  } catch (error) {
    if (codeOf(error) !== 'aborted') throw error;
  }
}

/** Reports a pass that ended with an error. Loaded only then, which keeps an idle daemon small. */
async function tellAllTheSame(
  cause: unknown,
  unrecorded: Unrecorded,
  hands: Hands,
  abort: AbortSignal,
): Promise<void> {
  try {
    const { tellUnrecorded } = await import('./pass/answer-without-ledger.ts');
    await tellUnrecorded(cause, unrecorded, hands, abort);
  } catch (error) {
    if (codeOf(error) !== 'aborted') hands.log('answer-unsent', fieldsOf(error));
  }
}

/** Returns the longest Retry-After of a pass. */
const longestAsked = ({ problems, open }: PassResult): number =>
  Math.max(0, ...[...problems, ...open].map(({ retryAfterMs }) => retryAfterMs ?? 0));

/** Returns the fields for the log; an error of the program itself includes its stack. */
const fieldsOf = (error: unknown): Record<string, unknown> => ({
  why: explain(error),
  stack: error instanceof AgentError ? undefined : stackOf(error),
});

const stackOf = (error: unknown): string | undefined => (error instanceof Error ? error.stack : undefined);

/** Logs new problems only. A recurring problem is logged once until it disappears. */
function report(result: PassResult, { log }: Hands, reported: Set<string>): void {
  const now = new Map<string, () => void>();
  for (const problem of result.problems)
    now.set(explain(problem), () => {
      log('metadata-ignored', { code: problem.code, why: explain(problem) });
    });
  for (const { id, group } of result.unserved)
    now.set(`${id} ${group}`, () => {
      log('group-unserved', { deployment: id, group });
    });
  if (result.awaits)
    now.set('awaits', () => {
      log('creation-awaited');
    });
  for (const [text, tell] of now) if (!reported.has(text)) tell();
  reported.clear();
  for (const text of now.keys()) reported.add(text);
}

function inWords({ problems, open, settled, awaits }: PassResult): string {
  if (awaits) return 'waiting: heat-container-agent is setting up the node';
  const [problem] = problems;
  if (problem) return `waiting: ${explain(problem)}`;
  const [unacknowledged] = open;
  if (unacknowledged) return `the result of ${unacknowledged.id} is not acknowledged: ${unacknowledged.why}`;
  const last = settled.at(-1);
  if (last) return `deployment ${last.id} ${last.outcome.is === 'succeeded' ? 'done' : 'failed'}`;
  return 'idle, nothing to do';
}
