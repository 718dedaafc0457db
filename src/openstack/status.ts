import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import type { HttpAnswer } from './http.ts';

/**
 * What a status that was not hoped for means. 401 is its own code, because a new login may help; 408, 429
 * and 5xx may pass; every other one is a refusal in the service's own words.
 */
export function statusError(what: string, answer: HttpAnswer): AgentError {
  const message = `${what}: ${answer.status} ${said(answer)}`.trimEnd();
  const options = { retryAfterMs: retryAfterMs(answer) };
  if (answer.status === 401) return new AgentError('unauthorized', message);
  if (answer.status === 408 || answer.status === 429 || answer.status >= 500)
    return new AgentError('cloud-unreachable', message, options);
  return new AgentError('cloud-refused', message);
}

/** The service's own words: the message of an OpenStack error body, or the start of whatever came. */
export function said(answer: HttpAnswer): string {
  const body = v.safeParse(v.pipe(v.string(), v.parseJson(), ErrorBody), answer.text);
  const words = body.success ? (body.output.detail ?? body.output.message ?? body.output.title) : undefined;
  const text = words ?? answer.text.replaceAll(/<[^>]*>/g, ' ');
  const line = text.replaceAll(/\s+/g, ' ').trim();
  // Cut between words: half a token is not recognized as a secret, but it is half a token.
  return line.length <= 300 ? line : `${line.slice(0, 297).replace(/\S+$/, '')}...`;
}

// Keystone and Heat: {error: {message}}, Magnum: {errors: [{title, detail}]}
const Words = v.object({
  detail: v.optional(v.string()),
  message: v.optional(v.string()),
  title: v.optional(v.string()),
});
const ErrorBody = v.union([
  v.pipe(
    v.object({ error: Words }),
    v.transform(({ error }) => error),
  ),
  v.pipe(
    v.object({ errors: v.tupleWithRest([Words], v.unknown()) }),
    v.transform(({ errors }) => errors[0]),
  ),
]);

/** Seconds, or a date by the cloud's own clock, which is the one that the answer came with. */
function retryAfterMs({ headers }: HttpAnswer): number {
  const asked = headers['retry-after'] ?? '';
  const until = Date.parse(asked) - Date.parse(headers['date'] ?? '');
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(asked) ? Number(asked) * 1000 : until;
  return ms > 0 ? Math.min(ms, LONGEST_WAIT_MS) : 0;
}

const LONGEST_WAIT_MS = 300_000;
