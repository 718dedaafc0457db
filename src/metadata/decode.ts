import { LEFT_OUT } from '../base/bounded-json.ts';
import { AgentError } from '../base/errors.ts';
import { parseExactJson } from '../base/exact-json.ts';
import { isObject } from '../base/json.ts';
import type { Collected, CollectorName } from './collector.ts';

/** One deployment of the metadata, not validated yet, and its source. */
export type RawDeployment = { source: string; value: unknown };

/** The metadata of one source. */
export type Said = { source: string; collector?: CollectorName; metadata: Record<string, unknown> };

/**
 * Maximum size of parsed metadata per pass, in bytes. Heat's own limits are far lower, and parsing takes about 20 times
 * the memory, which the unit limits.
 */
export const LARGEST_METADATA = 8 * 1024 * 1024;

export const TOO_LARGE = `larger than ${LARGEST_METADATA / 1024 / 1024} MiB, so it is ignored`;

/** @throws `bad-metadata` if it is not a JSON object, or is too large */
export function parseMetadata({ source, text, ...from }: Collected): Said {
  const what = `reading the metadata from ${source}`;
  if (text.length > LARGEST_METADATA)
    throw new AgentError('bad-metadata', `${what}: ${TOO_LARGE}`, { reason: 'metadata-too-large' });
  const metadata = parseExactJson(text, what, 'bad-metadata');
  if (!isObject(metadata))
    throw new AgentError('bad-metadata', `${what}: not a JSON object`, { reason: 'not-an-object' });
  return { source, metadata, ...from };
}

/**
 * Extracts the list of deployments from a source. Each deployment is decoded separately later, so that a bad one does
 * not affect the others.
 *
 * @throws `bad-metadata` if there is no valid list
 */
export function deploymentsOf({ source, metadata }: Said): RawDeployment[] {
  const deployments = metadata['deployments'] ?? [];
  if (!Array.isArray(deployments))
    throw new AgentError('bad-metadata', `reading the metadata from ${source}: "deployments" is not a list`, {
      reason: 'deployments-not-a-list',
    });
  // Otherwise an older deployment could run because the newer one of its resource was left out.
  if (deployments.includes(LEFT_OUT))
    throw new AgentError('bad-metadata', `reading the metadata from ${source}: "deployments": ${LEFT_OUT}`, {
      reason: 'deployments-left-out',
    });
  return deployments.map((value: unknown) => ({ source, value }));
}
