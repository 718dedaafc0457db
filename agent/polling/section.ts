import * as v from 'valibot';
import { AgentError } from '../../src/base/errors.ts';
import { describeIssues } from '../../src/base/issue.ts';
import { isObject } from '../../src/base/json.ts';
import { SERVED_COLLECTORS } from '../../src/metadata/collector.ts';
import type { Config } from '../config.ts';
import { checkPolling, pollingEntries, requireSection } from '../config/polling.ts';
import { type Section, translatePredecessor } from '../config/predecessor.ts';

const PollingSchema = v.object(pollingEntries);
const NAMES: readonly string[] = SERVED_COLLECTORS;

/**
 * Merges the polling keys of a section `os-collect-config` of the metadata into a configuration. The section overrides
 * only the keys that it contains; null counts as absent.
 *
 * @throws `config` when the node could not poll with the result
 */
export function withSection(configured: Config, section: unknown): Config {
  if (!isObject(section))
    throw new AgentError('config', 'it is not a map of settings', { reason: 'not-a-map' });
  const said = translatePredecessor({
    general: textsOf(section),
    section: (name) => textsOf(section[name]),
  });
  const under: Readonly<Record<string, object>> = {
    // Heat never configures the websocket, so the node's own setting stays.
    zaqar: configured.zaqar ? { use_websockets: configured.zaqar.use_websockets } : {},
    poll: configured.poll,
  };
  const collectors = Array.isArray(said['collectors'])
    ? said['collectors'].map(String)
    : configured.collectors;
  const unserved = collectors.find((name) => !NAMES.includes(name));
  if (unserved !== undefined)
    throw new AgentError('config', `the collector ${unserved} is not supported`, {
      reason: 'collector-not-served',
    });
  // An incomplete section of an unused collector is ignored.
  const asked = Object.entries(said)
    .filter(([name]) => !NAMES.includes(name) || collectors.includes(name))
    .map(([name, value]) => [name, isObject(value) ? { ...under[name], ...value } : value] as const);
  const parsed = v.safeParse(PollingSchema, { ...configured, ...Object.fromEntries(asked) });
  if (!parsed.success) throw new AgentError('config', describeIssues(parsed.issues), { reason: 'invalid' });
  const polling = parsed.output;
  checkPolling(polling, 'os-collect-config');
  for (const name of polling.collectors) requireSection(name, polling[name]);
  return Object.freeze({ ...configured, ...polling });
}

/** Converts JSON values to the strings of an INI file. */
function textsOf(section: unknown): Section {
  const entries = Object.entries(isObject(section) ? section : {});
  return new Map(
    entries.flatMap(([key, value]) => {
      const texts = (Array.isArray(value) ? (value as unknown[]) : [value]).flatMap(textOf);
      return texts.length > 0 ? [[key, texts] as const] : [];
    }),
  );
}

const textOf = (value: unknown): string[] =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? [String(value)]
    : JSON.isRawJSON(value)
      ? [value.rawJSON]
      : [];
