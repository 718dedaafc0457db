import { AgentError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Collector } from './collector.ts';
import type { ReadDrive } from './config-drive.ts';

/** Reads an item of the metadata service below `meta-data/`; a name ending in `/` returns a list of names. */
export type ReadItem = (name: string, abort: AbortSignal) => Promise<string>;

/** More than any cloud provides for a server. */
const MOST_ITEMS = 500;
const DEEPEST = 8;

/** Pause after a failure: many nodes have no metadata service. */
const REST_MS = 10 * 60_000;

/**
 * Collects the cloud's facts about the server (collector `ec2`): from its config drive, or else from the EC2 metadata
 * service. Like the predecessor, stops asking after the first answer and keeps that.
 */
export function ec2Collector(drive: ReadDrive, read: ReadItem, clock: Pick<Clock, 'elapsed'>): Collector {
  let known: string | undefined;
  let failed: { error: unknown; at: number } | undefined;
  return {
    name: 'ec2',
    collect: async (abort) => {
      if (failed && clock.elapsed() - failed.at < REST_MS) throw failed.error;
      try {
        known ??= (await drive(abort)) ?? JSON.stringify(await readTree(read, abort));
      } catch (error) {
        failed = { error, at: clock.elapsed() };
        throw error;
      }
      return [{ source: 'ec2', text: known }];
    },
  };
}

/** Reads every item below `meta-data/`, by name; `0=key` in a list is the folder `0/`. */
async function readTree(read: ReadItem, abort: AbortSignal): Promise<Record<string, unknown>> {
  let items = 0;
  const walk = async (folder: string, depth: number): Promise<Record<string, unknown>> => {
    const entries: [string, unknown][] = [];
    for (const line of (await read(folder, abort)).split('\n').filter((one) => one !== '')) {
      items += 1;
      if (items > MOST_ITEMS || depth > DEEPEST)
        throw new AgentError('bad-answer', 'reading the metadata service: too many items');
      const name = line.includes('=') ? `${line.slice(0, line.indexOf('='))}/` : line;
      const path = `${folder}${name}`;
      const value = name.endsWith('/') ? await walk(path, depth + 1) : await read(path, abort);
      entries.push([name.replace(/\/$/, ''), value]);
    }
    return Object.fromEntries(entries);
  };
  return await walk('', 0);
}
