import { AgentError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Collector } from './collector.ts';
import type { ReadDrive } from './config-drive.ts';

/** Reads an item of the metadata service below `meta-data/`; a name that ends in `/` gives a list of names. */
export type ReadItem = (name: string, abort: AbortSignal) => Promise<string>;

/** More than any cloud says of a server. */
const MOST_ITEMS = 500;
const DEEPEST = 8;

/** After a time without an answer it is left alone so long: many nodes have no such service. */
const REST_MS = 10 * 60_000;

/**
 * What the cloud says of the server itself (collector `ec2`): its config drive, or else the EC2 metadata service. As
 * in the predecessor it is asked until it has answered once, and kept.
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

/** Every item below `meta-data/`, by name; `0=key` in a list is the folder `0/`. */
async function readTree(read: ReadItem, abort: AbortSignal): Promise<Record<string, unknown>> {
  let items = 0;
  const walk = async (folder: string, depth: number): Promise<Record<string, unknown>> => {
    const entries: [string, unknown][] = [];
    for (const line of (await read(folder, abort)).split('\n').filter((one) => one !== '')) {
      items += 1;
      if (items > MOST_ITEMS || depth > DEEPEST)
        throw new AgentError('bad-answer', 'reading the metadata service: there is no end to it');
      const name = line.includes('=') ? `${line.slice(0, line.indexOf('='))}/` : line;
      const path = `${folder}${name}`;
      const value = name.endsWith('/') ? await walk(path, depth + 1) : await read(path, abort);
      entries.push([name.replace(/\/$/, ''), value]);
    }
    return Object.fromEntries(entries);
  };
  return await walk('', 0);
}
