import type { Collector } from './collector.ts';

/** Collects a server resource's metadata from Heat, with the stack-domain user's own token (POLL_SERVER_HEAT). */
export const heatCollector = (readMetadata: (abort: AbortSignal) => Promise<string>): Collector => ({
  name: 'heat',
  collect: async (abort) => [{ source: 'heat', text: await readMetadata(abort) }],
});
