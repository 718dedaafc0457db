import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { isOpen } from '../../src/deployment/ledger.ts';
import { caFileOf } from '../compose/connection.ts';
import { dropInsOf } from '../config.ts';
import { layoutsDirectoryOf } from '../config/layouts.ts';
import { awaitSplay, runDaemon } from '../daemon.ts';
import { EXIT } from './exit-code.ts';
import type { Progress, ShownStep } from '../progress.ts';
import { watchSignals } from '../lifecycle.ts';
import { readLastAnswer } from '../polling/last-answer.ts';
import { splayOf } from '../polling/schedule.ts';
import { createNotify, type Notify } from '../notify.ts';
import { servedBeside } from '../../src/services/predecessors.ts';
import type { Unrecorded } from '../pass/answer-without-ledger.ts';
import { type Context, lockNode, openHands, type Verb } from './verb.ts';

/**
 * Runs the daemon. SIGHUP or a change of the configuration, heat-params or the CA bundle reloads all of them and starts
 * a new look. A change of a local file only starts a new look. If the new configuration is invalid, the daemon keeps
 * the old one.
 */
export const verb: Verb = async (context) => {
  const { log, world, secrets, json } = context;
  if (json)
    throw new AgentError(
      'usage',
      'agent run: --json: the daemon prints no answer; its log is JSON lines where standard error is not a terminal',
    );
  const lifecycle = watchSignals();
  let reload = lifecycle.nextReload();
  const lock = await lockNode(context, 'run');
  const notify = await createNotify(world.env, { clock: systemClock, log, redact: secrets.redact });
  lifecycle.stopping.addEventListener('abort', notify.stopping, { once: true });
  let wake = new AbortController();
  const nextWake = (): AbortSignal => {
    wake = new AbortController();
    return wake.signal;
  };
  const open = async (): Promise<Opened> => await openHands(context, logProgress(context));
  /** The fault of the newest configuration, if it was rejected. */
  let refused: string | undefined;
  const unrecorded: Unrecorded = { since: undefined, told: new Map() };
  let hands: Opened | undefined;
  const { followPaths, watchPaths } = await import('../../src/metadata/watch.ts');
  // Watch before the first poll and during a reload too: nothing polls for changes of these files.
  const settings = followPaths(lifecycle.reload);
  try {
    hands = await openFirst(open, context, notify, lifecycle.stopping);
    if (!hands) return EXIT.done;
    await settings.follow(settingsOf(hands.config, context));
    for (const why of await servedBeside(hands.disk)) log('second-agent', { why });
    const { config, clock, generations, ledger } = hands;
    const isKnown = !ledger.entries().some(isOpen) && (await readLastAnswer(hands)) !== undefined;
    const splay = {
      splayMs: splayOf(config.poll, { isKnown }),
      clock,
      isInterrupted: generations.underWay,
      // The daemon already works, so a restart need not wait for its next look.
      isReady: isKnown,
    };
    await awaitSplay(splay, notify, AbortSignal.any([lifecycle.stopping, reload]), Math.random);
    while (!lifecycle.stopping.aborted) {
      await settings.follow(settingsOf(hands.config, context));
      const local = watchPaths(localFilesOf(hands.config, context), () => {
        wake.abort();
      });
      const listening = startListening(hands, () => {
        wake.abort();
      });
      const { sources, collectors } = hands.config;
      if (refused === undefined) log('started', { configuration: sources, collectors });
      try {
        const signals = { stopping: lifecycle.stopping, reload, nextWake };
        await runDaemon(hands, withRemark(notify, refused), signals, Math.random, unrecorded);
      } finally {
        await Promise.all([local, ...listening].map(async (one) => await one.close()));
      }
      if (lifecycle.stopping.aborted) break;
      reload = lifecycle.nextReload();
      notify.reloading();
      try {
        const fresh = await open();
        hands.close();
        hands = fresh;
        refused = undefined;
      } catch (error) {
        const why = `the new configuration cannot be used, the old one stays: ${secrets.redact(explain(error))}`;
        // One write may be reported as two changes.
        if (why !== refused) log('configuration-rejected', { why: explain(error) });
        refused = why;
      }
      notify.reloaded();
    }
    log('stopped');
    return EXIT.done;
  } catch (error) {
    log('start-failed', { why: explain(error) });
    throw error;
  } finally {
    await settings.close();
    hands?.close();
    await lock.release();
  }
};

/**
 * Opens the first configuration. Without one, a daemon that a person started fails at once; under systemd it waits.
 *
 * @returns undefined when the program must stop
 */
async function openFirst(
  open: () => Promise<Opened>,
  { world, root, configPath, log }: Context,
  notify: Notify,
  stopping: AbortSignal,
): Promise<Opened | undefined> {
  try {
    return await open();
  } catch (error) {
    if (codeOf(error) !== 'config' || !world.env['NOTIFY_SOCKET']) throw error;
  }
  const { awaitConfiguration } = await import('./await-configuration.ts');
  const waiting = { root, configPath, clock: systemClock, log, notify, stopping };
  return await awaitConfiguration(open, waiting).catch((error: unknown) => {
    if (stopping.aborted) return undefined;
    throw error;
  });
}

type Opened = Awaited<ReturnType<typeof openHands>>;

/** Prepends the remark to every status for systemd: it applies until the next SIGHUP. */
const withRemark = (notify: Notify, remark: string | undefined): Notify =>
  remark === undefined
    ? notify
    : {
        ...notify,
        status: (text) => {
          notify.status(`${remark}; ${text}`);
        },
        passed: (text, about) => {
          notify.passed(`${remark}; ${text}`, about);
        },
      };

/** Lists the files that are read together with the configuration, as paths of this machine. */
const settingsOf = (config: Opened['config'], { root, configPath }: Context): string[] => {
  const files = [configPath, dropInsOf(configPath), layoutsDirectoryOf(configPath), ...config.sources];
  return [...new Set([...files, config.heat_params, caFileOf(config)])].map((path) => join(root, path));
};

/** Lists the files that the local collectors read deployments from. */
const localFilesOf = (
  { collectors, local, heat_local: heatLocal }: Opened['config'],
  { root }: Context,
): string[] =>
  [
    ...(collectors.includes('local') ? local.path : []),
    ...(collectors.includes('heat_local') ? heatLocal.path : []),
  ].map((path) => join(root, path));

function startListening(
  { listen, clock, retry, log }: Opened,
  wake: () => void,
): { close(): Promise<void> }[] {
  if (!listen) return [];
  const stopping = new AbortController();
  const refused = (error: AgentError): void => {
    log('websocket-unavailable', { why: explain(error) });
  };
  const listenForever = async (): Promise<void> => {
    const { keepListening } = await import('../../src/metadata/listen.ts');
    await keepListening(listen, wake, { clock, retry, refused }, stopping.signal);
  };
  const listening = listenForever();
  const close = async (): Promise<void> => {
    stopping.abort();
    await listening;
  };
  return [{ close }];
}

/** Logs progress: the daemon has no terminal. */
const logProgress =
  ({ log }: Context) =>
  (event: Progress): void => {
    switch (event.event) {
      case 'deployment':
        log('deployment-started', { deployment: event.id, what: event.text, asks: event.asks });
        return;
      case 'output':
        log('output', { deployment: event.id, stream: event.stream, text: event.text });
        return;
      case 'done':
        log('step-done', { ...fieldsOf(event.step), ms: Math.round(event.ms) });
        return;
      case 'failed':
        log('step-failed', { ...fieldsOf(event.step), why: event.why });
        return;
      case 'skipped':
        log('step-skipped', { ...fieldsOf(event.step), why: event.why });
        return;
      case 'notice':
        log('notice', { notice: event.code, of: event.of, what: event.text });
        return;
      case 'part':
        log('part-done', { part: event.part, of: event.name });
        return;
      case 'waiting':
        // The retry loop logs this itself.
        return;
      case 'step':
        log('step-started', fieldsOf(event.step));
    }
  };

const fieldsOf = ({ code, of, text }: ShownStep): Record<string, unknown> => ({ step: code, of, what: text });
