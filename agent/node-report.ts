import { codeOf, explain, isNotReady } from '../src/base/errors.ts';
import type { Hands } from './hands.ts';
import { createEventQueue } from './node-report/events.ts';

/** What this node tells on its own Node in Kubernetes. It goes on in the background: no pass waits for it. */
export type NodeReport = {
  /** Tells what could not be told before. */
  passed(): void;
  /** Ends the telling; what waits is lost. */
  close(): void;
};

/** Until the next try, where no API server has answered. */
const SOON_MS = 60_000;
/** The same on a node without Kubernetes, and where the API has refused. */
const LATER_MS = 1_800_000;

export function createNodeReport(hands: Hands): NodeReport {
  const { clock, log } = hands;
  const events = createEventQueue(hands);
  const stop = new AbortController();
  let isAtWork = false;
  let restsUntil = -Infinity;

  /** @returns until the next try, in milliseconds */
  const tell = async (): Promise<number> => {
    // Loaded with the first event: an idle daemon stays small.
    const { onNode } = await import('./node-report/on-node.ts');
    const reached = await onNode(hands, stop.signal, async (ask, name) => {
      await events.send(ask, name, stop.signal);
    });
    if (!reached) return LATER_MS;
    return reached.api === 'answers' ? 0 : SOON_MS;
  };
  const start = async (): Promise<void> => {
    isAtWork = true;
    try {
      restsUntil = clock.elapsed() + (await tell());
    } catch (error) {
      if (stop.signal.aborted) return;
      if (!isNotReady(error)) log('node-untold', { code: codeOf(error), why: explain(error) });
      restsUntil = clock.elapsed() + (isNotReady(error) ? SOON_MS : LATER_MS);
    } finally {
      isAtWork = false;
    }
  };
  const startIfIdle = (): void => {
    if (!isAtWork && !events.isEmpty() && clock.elapsed() >= restsUntil) void start();
  };

  log.setListener('Node', (entry) => {
    if (events.take(entry)) startIfIdle();
  });
  return {
    passed: startIfIdle,
    close: () => {
      log.setListener('Node', undefined);
      stop.abort();
    },
  };
}
