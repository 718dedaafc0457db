import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import { JsonText } from '../base/json.ts';
import { LARGEST_ERROR } from './answer-body.ts';
import type { HttpAnswer } from './http.ts';

/**
 * What a status that was not hoped for means. 401 is its own code, because a new login may help; 408, 425, 429 and 5xx
 * may pass; every other 4xx is a refusal in the service's own words. Below 400 it is no answer of that service: an empty
 * 204 or a redirect of a load balancer, and the next may be one. The reason is the status itself, `http-409`.
 */
export function statusError(what: string, answer: HttpAnswer): AgentError {
  const { status } = answer;
  const words = said(answer);
  // A page of a web server begins with the status itself.
  const message = `${what}: ${words.startsWith(`${status} `) ? words : `${status} ${words}`}`.trimEnd();
  const reason = statusReason(answer);
  if (status === 401) return new AgentError('unauthorized', message, { reason });
  if (status < 400) return new AgentError('bad-answer', `${message}${leadsTo(answer)}`, { reason });
  if (MAY_PASS.has(status) || status >= 500)
    return new AgentError('cloud-unreachable', message, { reason, retryAfterMs: retryAfterMs(answer) });
  return new AgentError('cloud-refused', message, { reason });
}

/** The reason of an error that a status is the whole cause of. */
export const statusReason = ({ status }: Pick<HttpAnswer, 'status'>): string => `http-${status}`;

/** Request Timeout, Too Early, Too Many Requests. */
const MAY_PASS: ReadonlySet<number> = new Set([408, 425, 429]);

/** Whose address to correct; its path and query may be secret. */
function leadsTo({ headers }: HttpAnswer): string {
  const to = URL.parse(headers['location'] ?? '');
  return to ? ` (redirects to ${to.origin})` : '';
}

/** The service's own words: the message of an OpenStack error body, or the start of whatever came. */
export function said(answer: HttpAnswer): string {
  const start = answer.text.slice(0, LARGEST_ERROR);
  const body = v.safeParse(v.pipe(JsonText, ErrorBody), start);
  const text = (body.success ? wordsOf(body.output) : undefined) ?? withoutTags(start);
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const isWhole = Buffer.byteLength(answer.text) < LARGEST_ERROR;
  if (isWhole && line.length <= 300) return line;
  // Cut between words: half a token is not recognized as a secret, but it is half a token.
  const cut = line.slice(0, 297);
  return `${cut.slice(0, cut.lastIndexOf(' ') + 1)}...`;
}

/** The title of a page says what its heading says again. */
const withoutTags = (html: string): string =>
  html.replace(/<title>[^<]*<\/title>/i, ' ').replaceAll(/<[^<>]*>/g, ' ');

// Keystone and Heat: {error: {message}}, Magnum: {errors: [{title, detail}]}
const Words = v.record(v.string(), v.unknown());
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

const wordsOf = ({ detail, message, title }: v.InferOutput<typeof Words>): string | undefined =>
  [detail, message, title].find((words) => typeof words === 'string');

/** Seconds, or a date by the cloud's own clock, which is the one that the answer came with. */
function retryAfterMs({ headers }: HttpAnswer): number {
  const asked = headers['retry-after'] ?? '';
  const until = Date.parse(asked) - Date.parse(headers['date'] ?? '');
  const ms = /^\d+(?:\.\d+)?$/.test(asked.trim()) ? Number(asked) * 1000 : until;
  return ms > 0 ? Math.min(ms, LONGEST_WAIT_MS) : 0;
}

const LONGEST_WAIT_MS = 300_000;
