import { AgentError } from '../base/errors.ts';
import { parseExactJson } from '../base/exact-json.ts';
import { isObject } from '../base/json.ts';
import type { Collector } from './collector.ts';

/** Reads a field of a resource of the node's stack; returns JSON text. */
export type ReadField = (of: { resourceName: string; field: string }, abort: AbortSignal) => Promise<string>;

/**
 * Collects metadata from Heat's CloudFormation API (POLL_SERVER_CFN). A path is `resource.field`, or
 * `resource.field.key.key` for a part of it; Heat configures the one path `server.Metadata`.
 */
export const cfnCollector = (readField: ReadField, paths: readonly string[]): Collector => ({
  name: 'cfn',
  collect: async (abort) =>
    await Promise.all(
      paths.map(async (path) => {
        const [resourceName = '', field = '', ...keys] = path.split('.');
        const text = await readField({ resourceName, field }, abort);
        return { source: `cfn ${path}`, text: keys.length === 0 ? text : partOf(text, keys, path) };
      }),
    ),
});

function partOf(text: string, keys: readonly string[], path: string): string {
  const what = `reading the metadata from cfn ${path}`;
  let value = parseExactJson(text, what, 'bad-metadata');
  for (const key of keys) {
    const inner = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    if (inner === undefined) throw new AgentError('bad-metadata', `${what}: there is no ${key}`);
    value = inner;
  }
  return JSON.stringify(value);
}
