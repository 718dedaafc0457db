import type { Collector } from './collector.ts';

/** Which version of an object somebody has: `Last-Modified` (milliseconds) and `ETag`, as far as they are known. */
export type Version = { modified: number | undefined; tag: string | undefined };

/** What a GET brings; no text when it is still what the caller has, then under this version. */
export type Read = { text: string | undefined; version: Version };

/** An object behind an address that authorizes by itself. */
export type TempUrl = {
  /** Its version; undefined where only a GET is answered. */
  look(abort: AbortSignal): Promise<Version | undefined>;
  read(unless: Version | undefined, abort: AbortSignal): Promise<Read>;
};

/**
 * Metadata in an object store, behind a temporary URL (POLL_TEMP_URL). It is fetched only when it is newer than
 * what is here: a store with several copies may for a while show an older one.
 */
export function requestCollector(url: TempUrl): Collector {
  let last: { text: string; version: Version } | undefined;
  return {
    name: 'request',
    collect: async (abort) => {
      const seen = last && (await url.look(abort));
      if (!last || !seen || isNews(seen, last.version)) {
        const { text = last?.text, version } = await url.read(last?.version, abort);
        if (text !== undefined && (!last || isNews(version, last.version))) last = { text, version };
      }
      return last ? [{ source: 'request', text: last.text }] : [];
    },
  };
}

/** A second holds several versions, so the tag decides where the dates are the same, or not known. */
const isNews = (there: Version, here: Version): boolean =>
  there.modified !== undefined && here.modified !== undefined
    ? there.modified > here.modified || (there.modified === here.modified && there.tag !== here.tag)
    : there.tag === undefined || there.tag !== here.tag;
