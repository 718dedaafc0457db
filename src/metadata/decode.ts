import { LEFT_OUT } from '../base/bounded-json.ts';
import { AgentError } from '../base/errors.ts';
import { parseExactJson } from '../base/exact-json.ts';
import { isObject } from '../base/json.ts';
import type { Collected, CollectorName } from './collector.ts';

/** One deployment of the metadata, still of unknown shape, and where it came from. */
export type RawDeployment = { source: string; value: unknown };

/** What one source said. */
export type Said = { source: string; collector?: CollectorName; metadata: Record<string, unknown> };

/**
 * The most that is taken apart in one pass, in bytes: Heat's own limits are far below, and it takes about twenty times
 * the room on its way, of what the unit may have in all.
 */
export const LARGEST_METADATA = 8 * 1024 * 1024;

export const TOO_LARGE = `it is larger than ${LARGEST_METADATA / 1024 / 1024} MiB, and nothing of it is used`;

/** @throws `bad-metadata` for what is no JSON object, or too large */
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
 * Takes what a source said apart as far as the list of deployments; each of them is decoded by itself later, so
 * that one bad deployment cannot hide the others.
 *
 * @throws `bad-metadata` when there is no list to be had
 */
export function deploymentsOf({ source, metadata }: Said): RawDeployment[] {
  const deployments = metadata['deployments'] ?? [];
  if (!Array.isArray(deployments))
    throw new AgentError('bad-metadata', `reading the metadata from ${source}: "deployments" is not a list`, {
      reason: 'deployments-not-a-list',
    });
  // An older deployment must not be done because the newer one of its resource is left out.
  if (deployments.includes(LEFT_OUT))
    throw new AgentError('bad-metadata', `reading the metadata from ${source}: "deployments": ${LEFT_OUT}`, {
      reason: 'deployments-left-out',
    });
  return deployments.map((value: unknown) => ({ source, value }));
}
