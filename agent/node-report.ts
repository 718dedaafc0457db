import { codeOf, explain, isNotReady } from '../src/base/errors.ts';
import type { Hands } from './hands.ts';
import type { Report } from './inspection/report.ts';
import { createEventQueue } from './node-report/events.ts';
import type { PassRecord } from './status-file.ts';

/** Reports on this node's own Node in Kubernetes. It runs in the background: no pass waits for it. */
export type NodeReport = {
  /** Writes the node's state if it has changed or is older than an hour; sends waiting events. */
  passed(record: Pick<PassRecord, 'completeAt'>): void;
  /** Stops the reports; waiting events are lost. */
  close(): void;
};

/** Wait before a retry when no API server answered. It doubles after each failure. */
const SOON_MS = 60_000;
/** The maximum wait; also used without Kubernetes, and after a rejection by the API. */
const LATER_MS = 1_800_000;
/** Certificates may also be changed by hand. Reading them takes about as much CPU time as a poll. */
const LOOK_MS = 300_000;
/** Interval for repeating an unchanged report: it shows the last pass, and that the agent is running. */
const REPEAT_MS = 3_600_000;

/** Creates the report. @param random in [0, 1) */
export function createNodeReport(hands: Hands, random: () => number): NodeReport {
  const { clock, log } = hands;
  const events = createEventQueue(hands);
  const stop = new AbortController();
  let isAtWork = false;
  let restsUntil = -Infinity;
  let silentMs = SOON_MS;
  let looksAt = -Infinity;
  let repeatsAt = -Infinity;
  /** The state on the Node, without its times. */
  let said = '';
  let phase: Report['phase'] | undefined;

  /** @returns the report to write; undefined if nothing has changed */
  const look = async (completeAt: string | undefined): Promise<Report | undefined> => {
    const { readOwnReport } = await import('./node-report/own-report.ts');
    const report = await readOwnReport(hands);
    looksAt = clock.elapsed() + LOOK_MS;
    if (!report) return undefined;
    if (phase !== undefined && phase !== report.phase)
      log('phase-reached', { phase: report.phase, before: phase });
    phase = report.phase;
    if (JSON.stringify(report) === said && clock.elapsed() < repeatsAt) return undefined;
    const at = new Date(clock.now()).toISOString();
    return { ...report, at, ...(completeAt !== undefined && { passAt: completeAt }) };
  };

  const afterSilence = (): number => {
    const ms = silentMs;
    silentMs = Math.min(2 * silentMs, LATER_MS);
    return ms;
  };

  /** @returns the wait before the next attempt, in milliseconds */
  const tell = async (report: Report | undefined): Promise<number> => {
    if (!report && events.isEmpty()) return 0;
    // Loaded when there is something to report, which keeps an idle daemon small.
    const { onNode } = await import('./node-report/on-node.ts');
    const reached = await onNode(hands, stop.signal, async (own) => {
      if (report) {
        const isThere = await own.annotate({ report: JSON.stringify(report) });
        const { at: _at, passAt: _passAt, ...rest } = report;
        if (isThere) said = JSON.stringify(rest);
        repeatsAt = clock.elapsed() + REPEAT_MS * (0.75 + random() / 2);
      }
      await events.send(own.ask, own.name, stop.signal);
    });
    if (!reached) return LATER_MS;
    if (reached.api === 'answers') {
      silentMs = SOON_MS;
      return 0;
    }
    looksAt = -Infinity;
    return afterSilence();
  };

  const work = async (read: () => Promise<Report | undefined>): Promise<void> => {
    isAtWork = true;
    try {
      const restMs = await tell(await read());
      restsUntil = clock.elapsed() + restMs;
    } catch (error) {
      if (stop.signal.aborted) return;
      if (!isNotReady(error)) log('node-untold', { code: codeOf(error), why: explain(error) });
      restsUntil = clock.elapsed() + (isNotReady(error) ? afterSilence() : LATER_MS);
    } finally {
      isAtWork = false;
    }
  };
  const mayWork = (): boolean => !isAtWork && !stop.signal.aborted && clock.elapsed() >= restsUntil;

  log.setListener('Node', (entry) => {
    const isTaken = events.take(entry);
    // Let the next pass look: the event may be logged before it is recorded.
    if (isTaken || entry.event === 'rotation-waits') looksAt = -Infinity;
    if (isTaken && mayWork()) void work(async () => await Promise.resolve(undefined));
  });
  return {
    passed: ({ completeAt }) => {
      if (!mayWork()) return;
      if (clock.elapsed() >= looksAt) void work(async () => await look(completeAt));
      else if (!events.isEmpty()) void work(async () => await Promise.resolve(undefined));
    },
    close: () => {
      log.setListener('Node', undefined);
      stop.abort();
    },
  };
}
