import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { withDeadline } from '../base/clock.ts';
import { AgentError } from '../base/errors.ts';
import { plainWords } from '../base/plain-words.ts';

/** A client certificate and its key, PEM. */
export type ClientIdentity = { certificate: string; key: string };

/** One try gets this long; the whole proof has the unit's deadline. */
const TRY_MS = 5000;

/**
 * Asks a health endpoint once. 200 is well; anything else, and no answer, is `not-yet`: not yet.
 */
export async function askHealth(
  url: string,
  identity: ClientIdentity | undefined,
  abort: AbortSignal,
): Promise<void> {
  // Whose certificate it is has its own proof (presented.ts); schedulers and controller managers sign theirs
  // themselves.
  const tls = {
    rejectUnauthorized: false,
    ...(identity && { cert: identity.certificate, key: identity.key }),
  };
  await new Promise<void>((resolve, reject) => {
    const options = { signal: withDeadline(abort, TRY_MS), agent: false };
    const asked = url.startsWith('https:') ? secure(url, { ...options, ...tls }) : plain(url, options);
    asked.once('error', (cause) => {
      reject(new AgentError('not-yet', `${url} does not answer: ${plainWords(cause)}`, { cause }));
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

/** As much of an unhealthy answer as is read, and as a message can bear. */
const MOST = 64 * 1024;
const LONGEST = 200;

/** Kubernetes names every check, a line each, and begins those that failed with `[-]`: these are told, or else the beginning. */
function whatFailed(text: string): string {
  const failed = text.split('\n').filter((line) => line.startsWith('[-]'));
  return (failed.length > 0 ? failed.join(', ') : text).slice(0, LONGEST).replaceAll(/\s+/g, ' ');
}
