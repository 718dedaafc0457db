/** The ways to ask that this program serves, by the names that os-collect-config gave them. */
export const SERVED_COLLECTORS = ['heat', 'cfn', 'request', 'zaqar', 'heat_local', 'local'] as const;
export type CollectorName = (typeof SERVED_COLLECTORS)[number];

/** Metadata as a source gave it: the text of one JSON object. */
export type Collected = { source: string; text: string };

/**
 * One way to ask the cloud, or the node itself, what is wanted of this node. A source that has nothing yet
 * gives an empty list; one that cannot be asked throws.
 */
export type Collector = { name: CollectorName; collect(signal: AbortSignal): Promise<Collected[]> };
