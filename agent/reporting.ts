import { explain } from '../src/base/errors.ts';
import type { Hands } from './hands.ts';
import { createNodeReport } from './node-report.ts';
import type { PassResult } from './pass.ts';
import { readPassRecord, recordOf, writePassRecord } from './status-file.ts';

/**
 * Writes the reports of each pass: the record for `agent status`, the metrics, and the report on the Node in
 * Kubernetes.
 */
export type Reporting = {
  /** Returns hands that record reported events. */
  watch(hands: Hands): Hands;
  /** Reports a pass. A report that cannot be written is logged: the next pass does not depend on it. */
  passed(result: PassResult): Promise<void>;
  /** Writes the metrics again after a look at the node, or after a change since its pass. */
  looked(): Promise<void>;
  /** Stops background work. */
  close(): void;
};

/**
 * Opens the reports. The metrics are loaded only if the configuration names a file for them, which keeps an idle daemon
 * small.
 *
 * @param toNode absent: no report on the Node in Kubernetes; a person who runs one pass reads the terminal
 */
export async function openReporting(hands: Hands, toNode?: { random(): number }): Promise<Reporting> {
  const { config, clock, log } = hands;
  const { file } = config.metrics;
  const metrics =
    file === undefined ? undefined : await (await import('./metrics.ts')).openMetrics(hands, file);
  const node = toNode && config.node_report ? createNodeReport(hands, toNode.random) : undefined;
  let record = await readPassRecord(hands);
  const orLogged = async (written: Promise<void> | undefined): Promise<void> => {
    await written?.catch((error: unknown) => {
      log('metrics-unwritten', { path: file, why: explain(error) });
    });
  };
  return {
    watch: metrics?.watch ?? ((same) => same),
    passed: async (result) => {
      record = recordOf(result, record, new Date(clock.now()).toISOString());
      await writePassRecord(hands, record).catch((error: unknown) => {
        log('last-pass-unwritten', { why: explain(error) });
      });
      await orLogged(metrics?.passed(result, record));
      node?.passed(record);
    },
    looked: async () => {
      if (record) await orLogged(metrics?.looked(record));
    },
    close: () => node?.close(),
  };
}
