import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import type { Config } from '../config.ts';
import { pollingEntries } from '../config/polling.ts';

/**
 * The record of a section `os-collect-config` of the metadata:
 * - `trial`: the node polls with it; it has not answered yet
 * - `adopted`: it has answered, and stays until the metadata says otherwise
 * - `given-up`: it has not answered; the node polls as before
 */
export const OverrideRecord = v.object({
  state: v.picklist(['trial', 'adopted', 'given-up']),
  section: v.unknown(),
  /** The former override, if there was one. */
  before: v.optional(v.unknown()),
  /** Since when it is in this state, milliseconds since the epoch. */
  since: v.number(),
  /** Polls in a row without an answer, and the fault of the last. */
  unanswered: v.number(),
  why: v.optional(v.string()),
  /** Digest of the configuration at that time: a later change of the configuration wins. */
  configured: v.string(),
});
export type OverrideRecord = v.InferOutput<typeof OverrideRecord>;

/** The section that a record makes the node go by; undefined: the configuration. */
export const sectionInForce = ({ state, section, before }: OverrideRecord): unknown =>
  state === 'given-up' ? before : section;

/** Names a configuration's way to poll without its secrets. */
export const digestOf = (config: Config): string =>
  createHash('sha256')
    .update(JSON.stringify(pollingOf(config)))
    .digest('hex');

/** Whether two configurations ask the same of the same. */
export const pollAlike = (one: Config, other: Config): boolean =>
  isDeepStrictEqual(pollingOf(one), pollingOf(other));

/** The collectors in use with their sections; sections of unused collectors make no difference. */
const pollingOf = (config: Config): Record<string, unknown> => {
  const { collectors, poll } = config;
  const sections = Object.keys(pollingEntries).filter((name) => collectors.some((one) => one === name));
  return {
    collectors,
    poll,
    ...Object.fromEntries(Object.entries(config).filter(([name]) => sections.includes(name))),
  };
};
