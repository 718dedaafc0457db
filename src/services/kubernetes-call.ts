import * as v from 'valibot';
import { describeIssues } from '../base/issue.ts';
import { AgentError } from '../base/errors.ts';
import { JsonText } from '../base/json.ts';
import type { Attempted, Patience, Retry } from '../base/retry.ts';

/** Sends one request to the API server with a client's credential. Returns any status as an answer. */
export type AskApi = (request: {
  what: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  path: string;
  body?: { type: string; value: unknown };
  abort: AbortSignal;
}) => Promise<{ status: number; headers: Record<string, string>; text: string }>;

/**
 * Sends a request and reads an answer whose status is in `fine`. Retries while the API is unavailable or overloaded.
 */
export type Call = <T>(
  request: Parameters<AskApi>[0],
  fine: readonly number[],
  read: (status: number, text: string) => T,
) => Promise<T>;

export const createCall =
  (ask: AskApi, retry: Retry, patience: Patience): Call =>
  async (request, fine, read) =>
    await retry(attemptedBy(request), patience, request.abort, async () => {
      const answer = await ask(request);
      if (!fine.includes(answer.status)) throw refusal(request.what, answer);
      return read(answer.status, answer.text);
    });

const attemptedBy = ({ what: text, path: of }: Parameters<AskApi>[0]): Attempted => ({
  code: 'ask-kubernetes',
  of,
  text,
});

const PAGE = 100;

const Page = v.object({
  metadata: v.optional(v.object({ continue: v.optional(v.string(), '') }), {}),
  items: v.nullish(v.array(v.unknown()), []),
});

/**
 * Lists every item, page by page. Starts again if the continue token has expired.
 *
 * @param query additional parameters, such as a field selector
 */
export async function listAll<const S extends v.GenericSchema<unknown, { metadata: Named }>>(
  call: Call,
  item: S,
  path: string,
  query: Readonly<Record<string, string>>,
  abort: AbortSignal,
): Promise<v.InferOutput<S>[]> {
  const what = `listing ${path}`;
  const found = new Map<string, v.InferOutput<S>>();
  let from = '';
  for (;;) {
    const asked = new URLSearchParams({
      ...query,
      limit: String(PAGE),
      ...(from === '' ? {} : { continue: from }),
    });
    const page = await call(
      { what, method: 'GET', path: `${path}?${asked.toString()}`, abort },
      [200, 410],
      // 410: the continue token has expired (API concepts, "Retrieving large results sets in chunks").
      (status, text) => (status === 410 ? undefined : parsed(Page, text, what)),
    );
    if (!page && from === '') throw new AgentError('bad-answer', 'it is gone', { task: what });
    if (!page) found.clear();
    for (const one of known(v.array(item), page?.items ?? [], what))
      found.set(`${one.metadata.namespace}/${one.metadata.name}`, one);
    from = page?.metadata.continue ?? '';
    if (page && from === '') return [...found.values()];
  }
}

type Named = { namespace: string; name: string };

/** Parses JSON of one shape. @throws `bad-answer` for any other text */
export const parsed = <const S extends v.GenericSchema>(
  schema: S,
  text: string,
  what: string,
): v.InferOutput<S> => known(v.pipe(JsonText, schema), text, what);

function known<const S extends v.GenericSchema>(schema: S, value: unknown, what: string): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw new AgentError('bad-answer', describeIssues(result.issues), { task: what });
}

const Status = v.pipe(JsonText, v.object({ message: v.string() }));

/** 409, 429 and 5xx are temporary. Any other status is a refusal with the API server's message. */
function refusal(
  what: string,
  { status, headers, text }: { status: number; headers: Record<string, string>; text: string },
): AgentError {
  const said = v.safeParse(Status, text);
  const words = said.success ? said.output.message : text.slice(0, 200).replaceAll(/\s+/g, ' ');
  const detail = `the Kubernetes API says ${status} ${words}`.trimEnd();
  const reason = `http-${status}`;
  if (status !== 409 && status !== 429 && status < 500)
    return new AgentError('cloud-refused', detail, { task: what, reason });
  const seconds = Number(headers['retry-after'] ?? 0);
  const retryAfterMs = seconds > 0 ? Math.min(seconds, LONGEST_WAIT_SECONDS) * 1000 : 0;
  return new AgentError('cloud-unreachable', detail, { task: what, reason, retryAfterMs });
}

const LONGEST_WAIT_SECONDS = 300;
