import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import { JsonText } from '../base/json.ts';
import { LARGEST_ERROR } from './answer-body.ts';
import type { HttpAnswer } from './http.ts';

/**
 * Converts an unexpected status to an error. 401 has its own code, because a new login may help. 408, 425, 429 and 5xx
 * are temporary. Any other 4xx is a refusal with the service's message. A status below 400, such as an empty 204 or a
 * load balancer's redirect, is not the service's answer, so a retry may help. The reason is the status itself,
 * `http-409`.
 */
export function statusError(what: string, answer: HttpAnswer): AgentError {
  const { status } = answer;
  // Some load balancers send no body.
  const words = said(answer) || (process.getBuiltinModule('node:http').STATUS_CODES[status] ?? '');
  // A web server's error page begins with the status itself.
  const detail = (words.startsWith(`${status} `) ? words : `${status} ${words}`).trimEnd();
  const about = { task: what, reason: statusReason(answer) };
  if (status === 401) return new AgentError('unauthorized', detail, about);
  if (status < 400) return new AgentError('bad-answer', `${detail}${leadsTo(answer)}`, about);
  if (MAY_PASS.has(status) || status >= 500)
    return new AgentError('cloud-unreachable', detail, { ...about, retryAfterMs: retryAfterMs(answer) });
  return new AgentError('cloud-refused', detail, about);
}

/** The reason of an error caused only by a status. */
export const statusReason = ({ status }: Pick<HttpAnswer, 'status'>): string => `http-${status}`;

/** Request Timeout, Too Early, Too Many Requests. */
const MAY_PASS: ReadonlySet<number> = new Set([408, 425, 429]);

/** Names the redirect's origin, so that the address can be corrected. Path and query may be secret. */
function leadsTo({ headers }: HttpAnswer): string {
  const to = URL.parse(headers['location'] ?? '');
  return to ? ` (redirects to ${to.origin})` : '';
}

/** Returns the service's message: from an OpenStack error body, or else the start of the text. */
export function said(answer: HttpAnswer): string {
  const start = answer.text.slice(0, LARGEST_ERROR);
  const body = v.safeParse(v.pipe(JsonText, ErrorBody), start);
  const text = (body.success ? wordsOf(body.output) : undefined) ?? withoutTags(start);
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const isWhole = Buffer.byteLength(answer.text) < LARGEST_ERROR;
  if (isWhole && line.length <= 300) return line;
  // Cuts between words: part of a token would not be recognized as secret.
  const cut = line.slice(0, 297);
  return `${cut.slice(0, cut.lastIndexOf(' ') + 1)}...`;
}

/** Removes tags, and the title of a page, which its heading repeats. */
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

/** Parses seconds, or a date relative to the answer's own Date header. */
function retryAfterMs({ headers }: HttpAnswer): number {
  const asked = headers['retry-after'] ?? '';
  const until = Date.parse(asked) - Date.parse(headers['date'] ?? '');
  const ms = /^\d+(?:\.\d+)?$/.test(asked.trim()) ? Number(asked) * 1000 : until;
  return ms > 0 ? Math.min(ms, LONGEST_WAIT_MS) : 0;
}

const LONGEST_WAIT_MS = 300_000;
