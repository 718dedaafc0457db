import { withDeadline } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { plainWords } from '../base/plain-words.ts';

/** A client certificate and its key, PEM. */
export type ClientIdentity = { certificate: string; key: string };

/** Limit of one attempt; the proof as a whole has the unit's deadline. */
const TRY_MS = 5000;

/**
 * Queries a health endpoint once. Status 200 is healthy.
 *
 * @throws `not-yet` for another status or no answer; `aborted`, which says nothing about the unit
 */
export async function askHealth(
  url: string,
  identity: ClientIdentity | undefined,
  abort: AbortSignal,
): Promise<void> {
  // The certificate is proven separately (presented.ts). Schedulers and controller managers use self-signed ones.
  const tls = {
    rejectUnauthorized: false,
    ...(identity && { cert: identity.certificate, key: identity.key }),
  };
  await new Promise<void>((resolve, reject) => {
    const options = { signal: withDeadline(abort, TRY_MS), agent: false };
    // An `import` reads every export; some of these load all of `fetch`, and 8 MB stay after a rotation.
    const asked = url.startsWith('https:')
      ? process.getBuiltinModule('node:https').request(url, { ...options, ...tls })
      : process.getBuiltinModule('node:http').request(url, options);
    asked.once('error', (cause) => {
      reject(
        abort.aborted
          ? new AgentError('aborted', `asking ${url}: stopped`, { cause })
          : new AgentError('not-yet', `${url} does not answer: ${plainWords(cause)}`, { cause }),
      );
    });
    asked.once('response', (response) => {
      let words = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        if (words.length < MOST) words += chunk;
      });
      response.once('end', () => {
        if (response.statusCode === 200) resolve();
        else {
          reject(
            new AgentError('not-yet', `${url} says ${response.statusCode} ${whatFailed(words)}`, {
              reason: 'unhealthy',
            }),
          );
        }
      });
    });
    asked.end();
  });
}

/** How much of an unhealthy answer is read, and how much of it fits a message. */
const MOST = 64 * 1024;
const LONGEST = 200;

/**
 * Kubernetes lists every check on a line and marks failed ones with `[-]`. Returns the failed ones, or else the start
 * of the text.
 */
function whatFailed(text: string): string {
  const failed = text.split('\n').filter((line) => line.startsWith('[-]'));
  return (failed.length > 0 ? failed.join(', ') : text).slice(0, LONGEST).replaceAll(/\s+/g, ' ');
}
