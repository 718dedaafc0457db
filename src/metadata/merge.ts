import { AgentError } from '../base/errors.ts';
import { isObject, mergeDeep, unlessTooDeep } from '../base/json.ts';
import type { Said } from './decode.ts';

/**
 * What several sources say, as one object; `deployments` apart, which are taken from each of them. As os-collect-config
 * 12 and os-apply-config 12 do it:
 * - the sources in the order of the configured collectors, later ones over earlier ones: maps key by key, anything
 *   else (lists, null) replaces what was there;
 * - a deployment that no tool is to run (of group `os-apply-config`, `Heat::Ungrouped` or none) whose config is a
 *   map is "exploded": it is a source of its own, behind the one that it came with.
 * There, this holds for `deployments` too: the list of the last source hides all others. Here nothing that is asked
 * of the node may be lost, so no list hides another. There, two exploded deployments of one name become one file;
 * here both count.
 *
 * @throws `bad-metadata` when they are nested too deep
 */
export function mergeMetadata(said: readonly Said[]): Record<string, unknown> {
  // The stack is as deep as the nesting that two sources have in common.
  const merged = unlessTooDeep(() =>
    sourcesOf(said).reduce<Record<string, unknown>>((under, { metadata }) => mergeDeep(under, metadata), {}),
  );
  if (merged) return merged;
  const sources = said.map(({ source }) => source).join(', ');
  throw new AgentError('bad-metadata', `merging the metadata from ${sources}: nested too deep`);
}

type Source = { name: string; metadata: Record<string, unknown> };

/** What is merged, in its order; a source has the name of its collector, of its file or of its deployment. */
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

/** Whether a group means data for templates, and no work. */
export const isDataGroup = (group: unknown): boolean => DATA_GROUPS.includes(group);

/** Whether a deployment brings data alone. */
export const isData = (deployment: Record<string, unknown>): boolean =>
  !('group' in deployment) || isDataGroup(deployment['group']);
