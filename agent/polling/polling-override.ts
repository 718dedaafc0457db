import { dirname } from 'node:path';
import * as v from 'valibot';
import type { Clock } from '../../src/base/clock.ts';
import type { Disk } from '../../src/base/disk.ts';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import type { Log } from '../events.ts';
import { readRecord, writeRecord } from '../../src/base/record.ts';
import type { Secrets } from '../../src/base/secrets.ts';
import { OverrideRecord, digestOf, pollAlike, sectionInForce } from './override-record.ts';
import type { Config } from '../config.ts';
import { secretsOfPolling } from '../config/polling.ts';
import { withSection } from './section.ts';

/** Why the cloud has not answered. `refused`: it is reachable, but rejects these requests. */
export type Silence = { why: string; refused: boolean };

/**
 * Handles the section of the metadata that changes how the node polls. A new section is on trial until it is answered.
 * If it is not answered, the node falls back to the former one. It retries the section later, because Heat may have
 * closed the former one.
 */
export type PollingOverride = {
  /**
   * Returns a line for `agent status` if the metadata has a section. `isSettled`: the section is adopted.
   */
  describe(): { state: OverrideRecord['state']; text: string; isSettled: boolean } | undefined;
  /**
   * Records the result of a poll. Returns true if the node must now poll in another way, so that the configuration must
   * be reloaded.
   */
  observe(silence: Silence | undefined): Promise<boolean>;
  /** Applies a section of the metadata. @throws `bad-metadata` when the node cannot poll with it */
  apply(section: unknown): Promise<boolean>;
};

/** Polls without an answer before falling back: one to two minutes, because the waits grow. */
const PATIENCE = 6;

/**
 * Consecutive refusals after which an adopted section counts as closed. Heat removes the object or queue of a server
 * that changes its transport, so newer metadata cannot arrive there.
 */
const CLOSED_AFTER = 20;

/** Interval for retrying the section. It is retried earlier if the former one does not answer either. */
const REST_MS = 30 * 60_000;

export type AdoptionHands = { disk: Disk; clock: Clock; log: Log; secrets: Secrets };

/**
 * Opens the override.
 *
 * @param path of the record
 * @returns the configuration to use
 */
export async function openPollingOverride(
  configured: Config,
  path: string,
  { disk, clock, log, secrets }: AdoptionHands,
): Promise<{ config: Config; override: PollingOverride }> {
  let record = await readBack(configured, path, disk, log);
  const inForce = (): Config => {
    const section = record && sectionInForce(record);
    return section === undefined ? configured : withSection(configured, section);
  };
  const config = inForce();
  for (const one of record ? [config, withSection(configured, record.section)] : [config])
    for (const secret of secretsOfPolling(one)) secrets.add(secret);

  let refusals = 0;
  let silences = 0;
  const giveUp = async (from: OverrideRecord, why: string, polls: number): Promise<boolean> => {
    log('polling-override-given-up', { why, polls });
    await become({ ...from, state: 'given-up', since: clock.now(), unanswered: polls, why });
    return true;
  };
  const become = async (next: OverrideRecord): Promise<void> => {
    await disk.makeDirectory(dirname(path), { mode: 0o700 });
    await writeRecord(disk, path, next);
    record = next;
  };

  const override: PollingOverride = {
    describe: () =>
      record && {
        state: record.state,
        text: inWords(record, configured),
        isSettled: record.state === 'adopted',
      },

    observe: async (silence) => {
      refusals = silence?.refused === true ? refusals + 1 : 0;
      silences = silence ? silences + 1 : 0;
      switch (record?.state) {
        case undefined:
          return false;
        case 'trial': {
          const unanswered = record.unanswered + 1;
          if (silence && unanswered >= PATIENCE) return await giveUp(record, silence.why, unanswered);
          if (silence) await become({ ...record, unanswered, why: silence.why });
          else {
            log('polling-override-adopted', { collectors: config.collectors });
            await become({ ...record, state: 'adopted', since: clock.now(), unanswered: 0, why: undefined });
          }
          return false;
        }
        case 'adopted':
          return silence && refusals >= CLOSED_AFTER ? await giveUp(record, silence.why, refusals) : false;
        case 'given-up':
          // The absolute value covers a clock that was set in either direction.
          if (silences < PATIENCE && Math.abs(clock.now() - record.since) <= REST_MS) return false;
          log('polling-override-retried');
          await become({ ...record, state: 'trial', since: clock.now(), unanswered: 0 });
          return true;
      }
    },

    apply: async (section) => {
      if (section === undefined || section === null) return false;
      const wanted = usable(configured, section);
      if (pollAlike(wanted, config)) {
        // The abandoned section is no longer requested.
        if (record?.state === 'given-up')
          await become({ ...record, state: 'adopted', section, since: clock.now() });
        return false;
      }
      if (record?.state === 'given-up' && pollAlike(wanted, withSection(configured, record.section)))
        return false;
      for (const secret of secretsOfPolling(wanted)) secrets.add(secret);
      log('polling-override-on-trial', { collectors: wanted.collectors });
      const before = record && (record.state === 'adopted' ? record.section : record.before);
      await become({
        state: 'trial',
        section,
        ...(before === undefined ? {} : { before }),
        since: clock.now(),
        unanswered: 0,
        configured: digestOf(configured),
      });
      return true;
    },
  };
  return { config, override };
}

function usable(configured: Config, section: unknown): Config {
  try {
    return withSection(configured, section);
  } catch (error) {
    if (codeOf(error) !== 'config') throw error;
    throw new AgentError(
      'bad-metadata',
      `ignoring the section os-collect-config of the metadata: ${explain(error)}`,
      { cause: error, reason: 'polling-section' },
    );
  }
}

/** Reads the record if it belongs to this configuration and is usable. */
async function readBack(
  configured: Config,
  path: string,
  disk: Disk,
  log: Log,
): Promise<OverrideRecord | undefined> {
  try {
    const parsed = v.safeParse(OverrideRecord, await readRecord(disk, path));
    if (!parsed.success || parsed.output.configured !== digestOf(configured)) return undefined;
    const { section, before } = parsed.output;
    for (const one of [section, before]) if (one !== undefined) withSection(configured, one);
    return parsed.output;
  } catch (error) {
    if (codeOf(error) !== 'state' && codeOf(error) !== 'config') throw error;
    log('polling-override-unreadable', { path, why: explain(error) });
    return undefined;
  }
}

function inWords({ state, section, unanswered, why, since }: OverrideRecord, configured: Config): string {
  const names = withSection(configured, section).collectors.join(', ');
  const at = new Date(since).toISOString();
  switch (state) {
    case 'trial':
      return `polls with ${names}, as the metadata requests since ${at}; on trial, ${unanswered} of at most ${PATIENCE} polls failed`;
    case 'adopted':
      return `polls with ${names}, as the metadata requests since ${at}`;
    case 'given-up':
      return `the polling override of the metadata (${names}) failed at ${at}; retry after ${REST_MS / 60_000} min, or when the former collectors are silent: ${why}`;
  }
}
