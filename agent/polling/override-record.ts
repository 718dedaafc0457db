import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import type { Config } from '../config.ts';
import { pollingEntries } from '../config/polling.ts';

/**
 * The record of a section `os-collect-config` of the metadata:
 * - `trial`: the node polls with it, but has no answer yet
 * - `adopted`: it has been answered, and stays until the metadata changes it
 * - `given-up`: it was not answered; the node polls as before
 */
export const OverrideRecord = v.object({
  state: v.picklist(['trial', 'adopted', 'given-up']),
  section: v.unknown(),
  /** The former override, if there was one. */
  before: v.optional(v.unknown()),
  /** When it entered this state, in milliseconds since the epoch. */
  since: v.number(),
  /** The number of consecutive polls without an answer, and the fault of the last one. */
  unanswered: v.number(),
  why: v.optional(v.string()),
  /** Digest of the configuration at that time: a later change of the configuration overrides the section. */
  configured: v.string(),
});
export type OverrideRecord = v.InferOutput<typeof OverrideRecord>;

/** Returns the section in effect; undefined: the configuration applies. */
export const sectionInForce = ({ state, section, before }: OverrideRecord): unknown =>
  state === 'given-up' ? before : section;

/** Identifies how a configuration polls, without its secrets. */
export const digestOf = (config: Config): string =>
  createHash('sha256')
    .update(JSON.stringify(pollingOf(config)))
    .digest('hex');

/** Whether two configurations poll the same sources in the same way. */
export const pollAlike = (one: Config, other: Config): boolean =>
  isDeepStrictEqual(pollingOf(one), pollingOf(other));

/** Returns the collectors in use with their sections. Sections of unused collectors are ignored. */
const pollingOf = (config: Config): Record<string, unknown> => {
  const { collectors, poll } = config;
  const sections = Object.keys(pollingEntries).filter((name) => collectors.some((one) => one === name));
  return {
    collectors,
    poll,
    ...Object.fromEntries(Object.entries(config).filter(([name]) => sections.includes(name))),
  };
};
