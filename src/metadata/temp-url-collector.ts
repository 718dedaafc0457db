import type { Collector } from './collector.ts';

/** Version of an object: `Last-Modified` (milliseconds) and `ETag`, as far as known. */
export type Version = { modified: number | undefined; tag: string | undefined };

/** Result of a GET. The text is undefined if the caller's version is still current. */
export type Read = { text: string | undefined; version: Version };

/** An object behind a URL that carries its own authorization. */
export type TempUrl = {
  /** Returns its version; undefined if the store answers only GET. */
  look(abort: AbortSignal): Promise<Version | undefined>;
  read(unless: Version | undefined, abort: AbortSignal): Promise<Read>;
};

/**
 * Collects metadata from an object store, behind a temporary URL (POLL_TEMP_URL). Uses only an object newer than the
 * known one: a store with several replicas may temporarily return an older one.
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

/** Dates have whole seconds, so the ETag decides if they are equal or unknown. */
const isNews = (there: Version, here: Version): boolean =>
  there.modified !== undefined && here.modified !== undefined
    ? there.modified > here.modified || (there.modified === here.modified && there.tag !== here.tag)
    : there.tag === undefined || there.tag !== here.tag;
