import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AgentError, explain } from '../../src/base/errors.ts';
import type { Collected } from '../../src/metadata/collector.ts';
import type { Disk } from '../../src/base/disk.ts';
import { type Lock, takeLock } from '../../src/base/lock.ts';
import type { LogEntry } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/clock.ts';
import { requireProgram } from '../../src/base/trust.ts';
import { isNotified, type Log } from '../events.ts';
import type { Secrets } from '../../src/base/secrets.ts';
import { failed } from '../../src/deployment/outcome.ts';
import { auditBegin, auditEnd } from '../audit.ts';
import { compose, type Instrument } from '../compose.ts';
import { RUNTIME } from '../paths.ts';
import { type Config, type ConfigNotice, loadConfig } from '../config.ts';
import { secretsOfPolling } from '../config/polling.ts';
import { closeState } from './close-state.ts';
import type { ExitCode } from './exit-code.ts';
import type { Hands } from '../hands.ts';
import type { Progress } from '../progress.ts';
import { watchSignals } from '../lifecycle.ts';
import type { ProcessIo } from '../process-io.ts';

/** The context of every verb. */
export type Context = {
  world: ProcessIo;
  /** The name on the command line. */
  verb: string;
  /** The arguments after the name that are not options. */
  words: readonly string[];
  log: Log;
  secrets: Secrets;
  root: string;
  disk: Disk;
  configPath: string;
  /** Whether a person named it with `--config`. */
  configIsNamed: boolean;
  /** Whether the verb collects metadata from the cloud. */
  collects: boolean;
  json: boolean;
  /** `--log-level` overrides the configuration. */
  levelIsGiven: boolean;
  instrument?: Instrument | undefined;
};

/** One verb of the command line. `options` are its own, as commander parses them. */
export type Verb = (context: Context, options: Record<string, unknown>, name: string) => Promise<ExitCode>;

/** Builds the real hands of this node from its configuration. */
export async function openHands(context: Context, progress: (event: Progress) => void): Promise<OpenHands> {
  const { disk, log, configPath, configIsNamed: isNamed, collects } = context;
  const notice = ({ event, fields }: ConfigNotice): void => {
    log(event, fields);
  };
  const config = await loadConfig(disk, configPath, notice, { isNamed, collects });
  return await openHandsWith(config, context, progress);
}

export type OpenHands = Hands & { close(): void };

/** Builds them from a configuration that has already been read. */
export async function openHandsWith(
  config: Config,
  context: Context,
  progress: (event: Progress) => void,
): Promise<OpenHands> {
  const { root, log, secrets, instrument, world, verb } = context;
  if (!context.levelIsGiven) log.setLevel(config.log_level);
  const { application_credential: credential } = config.cloud;
  for (const secret of [...secretsOfPolling(config), ...(credential ? [credential.secret] : [])])
    secrets.add(secret);
  log.setListener('notify.command', await listenerOf(config, context));
  return await compose({
    config,
    root,
    env: world.env,
    self: world.self,
    log,
    secrets,
    progress,
    asker: { verb, pid: world.pid, loginUid: await readLoginUid() },
    instrument,
  });
}

/** Verbs that work on deployments and therefore notify. */
const NOTIFYING: ReadonlySet<string> = new Set(['run', 'run-once']);

/** Returns a listener that passes events to `notify.command`. */
async function listenerOf(
  { notify: { command } }: Config,
  { verb, disk, root, log }: Context,
): Promise<((entry: LogEntry) => void) | undefined> {
  if (command === undefined || !NOTIFYING.has(verb)) return undefined;
  const { createEventCommand } = await import('../../src/services/event-command.ts');
  const tell = createEventCommand(
    { program: join(root, command), check: async () => await requireProgram(command, disk) },
    (why) => {
      log('notify-failed', { why: explain(why) });
    },
  );
  return (entry) => {
    const { level, event, message, fields } = entry;
    if (isNotified(entry))
      tell({
        at: new Date(systemClock.now()).toISOString(),
        hostname: hostname(),
        level,
        event,
        message,
        fields,
      });
  };
}

/** loginuid of a process without a login. */
const NO_LOGIN = 4_294_967_295;

/** Returns the user who logged in, also through `sudo`. Returns undefined if the kernel has no audit support. */
async function readLoginUid(): Promise<number | undefined> {
  const text = await readFile('/proc/self/loginuid', 'utf8').catch(() => '');
  const uid = Number(text);
  return text === '' || uid === NO_LOGIN ? undefined : uid;
}

/** Returns the path of the lock on this machine. */
export const lockPathOf = ({ root }: Pick<Context, 'root'>): string => join(root, RUNTIME, 'lock');

/**
 * Takes the lock of all verbs that write, and closes the state directory to other users.
 *
 * @throws `lock-held` with the holder's pid and verb
 */
export async function lockNode({ root, world, disk, log }: Context, verb: string): Promise<Lock> {
  const lock = await takeLock(lockPathOf({ root }), verb, world.pid);
  await closeState(disk).catch((error: unknown) => {
    log('state-open', { why: explain(error) });
  });
  return lock;
}

/**
 * Runs `use` with the lock and the real hands of this node, and always releases both. The first signal does not end the
 * program: it asks `use` to stop at a point from which the work can be resumed. A second signal ends it.
 */
export async function onLockedNode<T>(
  context: Context,
  verb: string,
  progress: (event: Progress) => void,
  use: (hands: Hands, stopping: AbortSignal) => Promise<T>,
): Promise<T> {
  const { stopping } = watchSignals();
  const lock = await lockNode(context, verb);
  try {
    const hands = await openHands(context, progress);
    try {
      return await audited(verb, hands, async () => await use(hands, stopping));
    } finally {
      hands.close();
    }
  } finally {
    await lock.release();
  }
}

/** Audits a verb that changes the node, whatever its outcome. */
export async function audited<T>(verb: string, hands: Hands, work: () => Promise<T>): Promise<T> {
  await auditBegin(verb, hands);
  try {
    const result = await work();
    // The result is an exit code.
    const is = (typeof result === 'number' ? result : 0) === 0 ? 'succeeded' : 'failed';
    await auditEnd(verb, { is, stderr: '' }, undefined, hands);
    return result;
  } catch (error) {
    await auditEnd(verb, failed(error), undefined, hands);
    throw error;
  }
}

/** A string option, or undefined. */
export const textOption = (options: Record<string, unknown>, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

/** Reads the file of `--metadata`, a path of the caller, not of the node below `--root`. */
export async function readMetadataOption(options: Record<string, unknown>): Promise<Collected | undefined> {
  const path = textOption(options, 'metadata');
  if (path === undefined) return undefined;
  try {
    return { source: path, text: await readFile(path, 'utf8') };
  } catch (cause) {
    throw new AgentError('usage', `--metadata: ${path} cannot be read`, { cause });
  }
}
