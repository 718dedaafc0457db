/** The supported collectors, by the names of os-collect-config. */
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

/**
 * Metadata from one source: the text of a JSON object. The collector is undefined if an operator passed the metadata.
 */
export type Collected = { source: string; text: string; collector?: CollectorName };

/**
 * One source of metadata: the cloud, or the node itself. Returns an empty list if the source has nothing yet; throws if
 * it cannot be read.
 */
export type Collector = { name: CollectorName; collect(abort: AbortSignal): Promise<Collected[]> };

/** Whether a collector reads only facts about the server. These request no work, so a failure leaves nothing open. */
export const bringsFacts = (name: CollectorName): boolean => name === 'ec2' || name === 'config_drive';

/** Whether a collector polls the cloud for work. */
export const asksCloud = (name: CollectorName): boolean =>
  !bringsFacts(name) && name !== 'local' && name !== 'heat_local';
