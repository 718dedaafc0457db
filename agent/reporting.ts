import { explain } from '../src/base/errors.ts';
import type { Hands } from './hands.ts';
import type { PassResult } from './pass.ts';
import { readPassRecord, recordOf, writePassRecord } from './status-file.ts';

/** Reports of each pass: the record for `agent status`, and the metrics. */
export type Reporting = {
  /** Hands that record reported events. */
  watch(hands: Hands): Hands;
  /** Reports a pass. A report that cannot be written is logged: the next pass does not need it. */
  passed(result: PassResult): Promise<void>;
};

/** Metrics are loaded where the configuration names a file for them: an idle daemon stays small. */
export async function openReporting(hands: Hands): Promise<Reporting> {
  const { config, clock, log } = hands;
  const { file } = config.metrics;
  const metrics =
    file === undefined ? undefined : await (await import('./metrics.ts')).openMetrics(hands, file);
  let record = await readPassRecord(hands);
  return {
    watch: metrics?.watch ?? ((same) => same),
    passed: async (result) => {
      record = recordOf(result, record, new Date(clock.now()).toISOString());
      await writePassRecord(hands, record).catch((error: unknown) => {
        log('last-pass-unwritten', { why: explain(error) });
      });
      await metrics?.write(result, record).catch((error: unknown) => {
        log('metrics-unwritten', { path: file, why: explain(error) });
      });
    },
  };
}
