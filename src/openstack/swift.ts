import { AgentError } from '../base/errors.ts';
import type { Http } from './http.ts';
import { statusError } from './status.ts';

/**
 * An object behind a temporary URL, which carries its own authorization
 * (https://docs.openstack.org/swift/latest/api/temporary_url_middleware.html). A URL for PUT also allows HEAD.
 */
export type Swift = {
  /** Returns when the object was last replaced, in milliseconds since the epoch; undefined if unknown. */
  changedAt(url: string, abort: AbortSignal): Promise<number | undefined>;
  /** Resolves when the object is stored. */
  put(url: string, body: string, abort: AbortSignal): Promise<void>;
};

export const createSwift = (http: Http): Swift => ({
  changedAt: async (url, abort) => {
    const what = `looking at the object ${shown(url)}`;
    const answer = await http({ what, method: 'HEAD', url: checked(url, what), abort });
    if (answer.status === 429 || answer.status >= 500) throw statusError(what, answer);
    return Date.parse(answer.headers['last-modified'] ?? '') || undefined;
  },

  put: async (url, body, abort) => {
    const what = `putting the object ${shown(url)}`;
    const headers = { 'content-type': 'application/json' };
    const answer = await http({ what, method: 'PUT', url: checked(url, what), headers, body, abort });
    if (answer.status < 200 || answer.status >= 300) throw statusError(what, answer);
  },
});

/** Removes the query, which is the authorization. */
const shown = (url: string): string => url.replace(/\?.*/s, '');

function checked(url: string, what: string): string {
  if (!/^https?:\/\//.test(url))
    throw new AgentError('bad-deployment', 'not an http address', { task: what });
  return url;
}
