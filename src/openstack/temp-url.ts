import { AgentError, codeOf } from '../base/errors.ts';
import { secretsOfAddress, withoutQuery } from '../base/presigned.ts';
import type { Secrets } from '../base/secrets.ts';
import type { Http, HttpAnswer } from './http.ts';
import { statusError } from './status.ts';

/** Version of an object: Last-Modified in milliseconds, and ETag; each if the store sends it. */
export type Version = { modified: number | undefined; tag: string | undefined };

/**
 * An object behind a temporary URL for GET, which also allows HEAD
 * (https://docs.openstack.org/swift/latest/api/temporary_url_middleware.html ).
 */
export type TempUrl = {
  /** Returns its version; undefined if the store answers only GET. */
  look(abort: AbortSignal): Promise<Version | undefined>;
  /** Reads its content; undefined if it still has the version given as `unless`. */
  read(
    unless: Version | undefined,
    abort: AbortSignal,
  ): Promise<{ text: string | undefined; version: Version }>;
};

export function createTempUrl(url: string, { http, secrets }: { http: Http; secrets: Secrets }): TempUrl {
  for (const secret of secretsOfAddress(url)) secrets.add(secret);
  const what = `reading the metadata at ${withoutQuery(url)}`;
  return {
    look: async (abort) => {
      try {
        const answer = await http({ what, method: 'HEAD', url, abort });
        return answer.status === 200 ? versionOf(answer) : undefined;
      } catch (error) {
        // A redirect that is followed only for GET.
        if (codeOf(error) === 'bad-answer') return undefined;
        throw error;
      }
    },
    read: async (unless, abort) => {
      const answer = await http({ what, method: 'GET', url, headers: conditions(unless), abort });
      const { modified, tag } = versionOf(answer);
      if (answer.status === 304 && unless)
        return {
          text: undefined,
          version: { modified: modified ?? unless.modified, tag: tag ?? unless.tag },
        };
      if (answer.status === 401 || answer.status === 403)
        throw new AgentError(
          'cloud-refused',
          `${statusError(what, answer).message} (the address has expired, or its key has been changed)`,
          { reason: 'address-expired' },
        );
      if (answer.status !== 200) throw statusError(what, answer);
      return { text: answer.text, version: { modified, tag } };
    },
  };
}

function versionOf({ headers }: HttpAnswer): Version {
  const modified = Date.parse(headers['last-modified'] ?? '');
  return { modified: Number.isNaN(modified) ? undefined : modified, tag: headers['etag'] };
}

/** If both are given, a store uses the ETag. */
const conditions = (unless: Version | undefined): Record<string, string> => ({
  ...(unless?.tag === undefined ? {} : { 'if-none-match': unless.tag }),
  ...(unless?.modified === undefined ? {} : { 'if-modified-since': new Date(unless.modified).toUTCString() }),
});
