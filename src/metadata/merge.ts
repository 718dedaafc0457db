import { AgentError } from '../base/errors.ts';
import { isObject, mergeDeep, unlessTooDeep } from '../base/json.ts';
import type { Said } from './decode.ts';

/**
 * Merges several sources into one object, except `deployments`, which are taken from each source. Follows
 * os-collect-config 12 and os-apply-config 12:
 * - Later sources override earlier ones, in the order of the configured collectors. Maps are merged key by key; any
 *   other value (lists, null) is replaced.
 * - A deployment without a tool (group `os-apply-config`, `Heat::Ungrouped` or none) whose config is a map is
 *   "exploded": it becomes a source after the one that contains it.
 *
 * There are two differences. There, the last source's list of `deployments` replaces all others; here every list
 * counts, so that no work is lost. There, two exploded deployments with one name become one file; here both count.
 *
 * @throws `bad-metadata` if they are nested too deeply
 */
export function mergeMetadata(said: readonly Said[]): Record<string, unknown> {
  // The recursion is as deep as the nesting that two sources share.
  const merged = unlessTooDeep(() =>
    sourcesOf(said).reduce<Record<string, unknown>>((under, { metadata }) => mergeDeep(under, metadata), {}),
  );
  if (merged) return merged;
  const sources = said.map(({ source }) => source).join(', ');
  throw new AgentError('bad-metadata', `merging the metadata from ${sources}: nested too deep`);
}

type Source = { name: string; metadata: Record<string, unknown> };

/** Returns the sources in merge order, named after their collector, file or deployment. */
export const sourcesOf = (said: readonly Said[]): Source[] =>
  said.flatMap(({ source, collector, metadata }) => [
    { name: collector === undefined || collector === 'local' ? source : collector, metadata },
    ...exploded(metadata['deployments']),
  ]);

const exploded = (deployments: unknown): Source[] =>
  (Array.isArray(deployments) ? (deployments as unknown[]) : []).flatMap((deployment) =>
    isObject(deployment) && 'name' in deployment && isData(deployment) && isObject(deployment['config'])
      ? [{ name: String(deployment['name']), metadata: deployment['config'] }]
      : [],
  );

const DATA_GROUPS: readonly unknown[] = ['os-apply-config', 'Heat::Ungrouped'];

/** Whether a group contains data for templates and requests no work. */
export const isDataGroup = (group: unknown): boolean => DATA_GROUPS.includes(group);

/** Whether a deployment contains only data. */
export const isData = (deployment: Record<string, unknown>): boolean =>
  !('group' in deployment) || isDataGroup(deployment['group']);
