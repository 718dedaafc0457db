/** Metadata as a source gave it: the text of one JSON object. */
export type Collected = { source: string; text: string };

/**
 * One way to ask the cloud, or the node itself, what is wanted of this node. A source that has nothing yet
 * gives an empty list; one that cannot be asked throws.
 */
export type Collector = { name: string; collect(signal: AbortSignal): Promise<Collected[]> };
