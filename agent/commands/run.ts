import { join } from 'node:path';
import { explain } from '../../src/base/errors.ts';
import { runDaemon } from '../daemon.ts';
import { EXIT } from '../exit-code.ts';
import type { Progress } from '../hands.ts';
import { watchSignals } from '../lifecycle.ts';
import { createNotify } from '../notify.ts';
import { type Context, lockNode, openHands, type Verb } from '../verb.ts';

/** The daemon. SIGHUP reads the configuration anew and looks again; a changed local file looks again at once. */
export const verb: Verb = async (context) => {
  const { log, world } = context;
  const lifecycle = watchSignals();
  const lock = await lockNode(context, 'run');
  const notify = createNotify(world.env, log);
  let wake = new AbortController();
  const wakeUp = (): void => {
    wake.abort();
  };
  try {
    while (!lifecycle.stopping.aborted) {
      const reload = lifecycle.nextReload();
      const hands = await openHands(context, logProgress(context));
      const watcher = await watchLocalFiles(hands.config, context.root, wakeUp);
      log.info(
        { configuration: hands.config.sources, collectors: hands.config.collectors },
        'coe-agent is running',
      );
      try {
        await runDaemon(
          hands,
          notify,
          {
            stopping: lifecycle.stopping,
            reload,
            nextWake: () => {
              wake = new AbortController();
              return wake.signal;
            },
          },
          Math.random,
        );
      } finally {
        await watcher?.close();
        hands.close();
      }
    }
    log.info({}, 'coe-agent stops');
    return EXIT.done;
  } catch (error) {
    log.error({ why: explain(error) }, 'coe-agent cannot run');
    throw error;
  } finally {
    await lock.release();
  }
};

async function watchLocalFiles(
  config: Awaited<ReturnType<typeof openHands>>['config'],
  root: string,
  wake: () => void,
): Promise<{ close(): Promise<void> } | undefined> {
  const paths = [
    ...(config.collectors.includes('local') ? config.local.path : []),
    ...(config.collectors.includes('heat_local') ? config.heat_local.path : []),
  ];
  if (paths.length === 0) return undefined;
  const { watchPaths } = await import('../../src/metadata/watch.ts');
  return watchPaths(
    paths.map((path) => join(root, path)),
    wake,
  );
}

/** A daemon's progress is its log. */
const logProgress =
  ({ log }: Context) =>
  (event: Progress): void => {
    switch (event.event) {
      case 'deployment':
        log.info({ deployment: event.id, what: event.text }, 'a deployment is taken up');
        return;
      case 'done':
        log.info({ step: event.text, ms: Math.round(event.ms) }, 'done');
        return;
      case 'failed':
        log.error({ step: event.text, why: event.why }, 'failed');
        return;
      case 'notice':
        log.warn({ notice: event.text }, 'notice');
        return;
      case 'step':
      case 'part':
        log.debug({ step: event.text }, 'working');
    }
  };
