/** The ways to ask that this program serves, by the names that os-collect-config gave them. */
export const SERVED_COLLECTORS = [
  'heat',
  'cfn',
  'request',
  'zaqar',
  'ec2',
  'config_drive',
  'heat_local',
  'local',
] as const;
export type CollectorName = (typeof SERVED_COLLECTORS)[number];

/** Metadata as a source gave it: the text of one JSON object; without a collector it was given by hand. */
export type Collected = { source: string; text: string; collector?: CollectorName };

/**
 * One way to ask the cloud, or the node itself, what is wanted of this node. A source that has nothing yet
 * gives an empty list; one that cannot be asked throws.
 */
export type Collector = { name: CollectorName; collect(abort: AbortSignal): Promise<Collected[]> };

/**
 * Whether a collector brings facts of the server alone. Nothing is asked of the node there, so a silence of it leaves
 * nothing open.
 */
export const bringsFacts = (name: CollectorName): boolean => name === 'ec2' || name === 'config_drive';

/** Whether a collector asks the cloud what is wanted. */
export const asksCloud = (name: CollectorName): boolean =>
  !bringsFacts(name) && name !== 'local' && name !== 'heat_local';
