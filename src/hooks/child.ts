import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { errnoOf, explain } from '../base/errors.ts';
import { createLastBytes } from './last-bytes.ts';
import type { Order, Result } from './run-files.ts';

/** Why there is no regular result. */
type Fault = Required<Pick<Result, 'reason' | 'fault'>>;

/** Heat accepts slightly less than 1 MiB. A hook's answer may be longer; it is truncated after parsing. */
const KEPT = 2 ** 20;
const KEPT_JSON = 2 * KEPT;
/** The files only show progress, so they are truncated when they reach this size. */
const LARGEST_FILE = 16 * KEPT;
/** How long to read the output of an ended run: its background processes may keep the output open. */
const LISTENED_MS = 1000;

type Hands = {
  clock: Clock;
  /** Fires when the run must end now. */
  stopping: AbortSignal;
  /** Files for its output while it runs. */
  stdout: string;
  stderr: string;
  started(pid: number): Promise<void>;
};

/** Runs a program in its own process group until it ends or its deadline passes. */
export async function runChild(order: Order, hands: Hands): Promise<Result> {
  const stdin = order.stdin === undefined ? undefined : await open(order.stdin);
  // Opened before the start: Node drops the output of an ended process that has no reader yet.
  const stdout = await open(hands.stdout, 'a', 0o600);
  const stderr = await open(hands.stderr, 'a', 0o600);
  try {
    const child = spawn(order.program, order.args ?? [], {
      cwd: order.work,
      env: Object.fromEntries(order.environment),
      detached: true,
      stdio: [stdin?.fd ?? 'ignore', 'pipe', 'pipe'],
    });
    return await attend(child, { stdout, stderr }, order, hands);
  } catch (error) {
    return { statusCode: 1, stdout: '', stderr: '', ...cannotStart(error, order) };
  } finally {
    for (const file of [stdin, stdout, stderr]) await file?.close();
  }
}

async function attend(
  child: ChildProcess,
  files: { stdout: FileHandle; stderr: FileHandle },
  order: Order,
  hands: Hands,
): Promise<Result> {
  const ended = once(child, 'exit');
  const quiet = new AbortController();
  const kept = order.reads === 'json' ? KEPT_JSON : KEPT;
  const heard = Promise.all([
    listen(child.stdout, files.stdout, kept, quiet.signal),
    listen(child.stderr, files.stderr, KEPT, quiet.signal),
  ]);
  try {
    if (child.pid !== undefined) await hands.started(child.pid);
    const fault = await endInTime(child, ended, order, hands);
    await within(heard, LISTENED_MS, hands.clock);
    quiet.abort();
    const [stdout, stderr] = await heard;
    return { statusCode: statusOf(child, fault !== undefined), stdout, stderr, ...fault };
  } catch (error) {
    quiet.abort();
    await heard;
    throw error;
  }
}

/** Waits for the end. @returns why the run was terminated; undefined if it ended by itself */
async function endInTime(
  child: ChildProcess,
  ended: Promise<unknown>,
  { timeoutMs, graceMs }: Order,
  { clock, stopping }: Hands,
): Promise<Fault | undefined> {
  const stopped = once(stopping, 'abort').then(() => 'stopped' as const);
  const why = stopping.aborted ? 'stopped' : await within(Promise.race([ended, stopped]), timeoutMs, clock);
  if (why !== 'stopped' && why !== LATE) return undefined;
  signalGroup(child, 'SIGTERM');
  const late = (await within(ended, graceMs, clock)) === LATE;
  // Also ends processes of its group that ignored SIGTERM.
  signalGroup(child, 'SIGKILL');
  await ended;
  const how = late ? 'SIGTERM, then SIGKILL' : 'SIGTERM';
  return why === LATE
    ? { reason: 'run-timeout', fault: `not done within ${timeoutMs / 1000} s: ended with ${how}` }
    : { reason: 'run-stopped', fault: `stopped from outside: ended with ${how}` };
}

const LATE: unique symbol = Symbol('late');

/** Returns the promise's value, or LATE if it takes longer. */
async function within<T>(promise: Promise<T>, ms: number, clock: Clock): Promise<T | typeof LATE> {
  const waiting = new AbortController();
  const late = clock.sleep(ms, waiting.signal).then(
    (): typeof LATE => LATE,
    (): typeof LATE => LATE,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    waiting.abort();
  }
}

function signalGroup({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

/** Keeps the end of a stream in memory, and writes all of it to a file while there is space. */
async function listen(
  stream: Readable | null,
  file: FileHandle,
  most: number,
  quiet: AbortSignal,
): Promise<string> {
  const end = createLastBytes(most);
  let size = 0;
  let hasRoom = true;
  quiet.addEventListener('abort', () => stream?.destroy());
  try {
    for await (const chunk of bytesOf(stream)) {
      end.push(chunk);
      if (size > LARGEST_FILE) {
        await file.truncate(0);
        size = 0;
      }
      size += chunk.length;
      // A full disk must not end a script: the relevant output is in memory.
      if (hasRoom)
        hasRoom = await file.appendFile(chunk).then(
          () => true,
          () => false,
        );
    }
  } catch (error) {
    if (!quiet.aborted) throw error;
  }
  return end.text();
}

/** A pipe's chunks are always bytes. */
async function* bytesOf(stream: Readable | null): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream ?? []) if (chunk instanceof Uint8Array) yield chunk;
}

/** Like Python, returns a negative number for a signal. A terminated run is never a success, whatever its exit code. */
function statusOf({ exitCode, signalCode }: ChildProcess, wasEnded: boolean): number {
  if (signalCode !== null) return -constants.signals[signalCode];
  // 124 as in timeout(1).
  return wasEnded ? exitCode || 124 : (exitCode ?? 1);
}

function cannotStart(error: unknown, { environment, what }: Order): Fault {
  const begin = `${what} could not be started: `;
  const errno = errnoOf(error);
  if (errno === 'ENOENT')
    return {
      reason: 'interpreter-missing',
      fault: `${begin}the interpreter in its first line is not on this node (ENOENT); check for a mistyped path, or for a carriage return at the end of the line`,
    };
  if (errno !== 'E2BIG') return { reason: 'run-not-started', fault: begin + explain(error) };
  const [name, value] = environment.reduce((a, b) => (b[1].length > a[1].length ? b : a), ['', '']);
  return {
    reason: 'environment-too-large',
    fault: `${begin}its inputs are too large for an environment (E2BIG): ${environment.length} variables, the largest is ${name} with ${Buffer.byteLength(value)} bytes`,
  };
}
