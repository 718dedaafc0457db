import * as v from 'valibot';
import type { AskApi } from '../../src/services/kubernetes-call.ts';

const json = v.record(v.string(), v.unknown());
const metadata = v.looseObject({
  name: v.optional(v.string()),
  generation: v.optional(v.number()),
  resourceVersion: v.optional(v.string()),
  continue: v.optional(v.string()),
});
/** Any answer of the API: a list, an object or a Status. */
const Said = v.looseObject({
  kind: v.optional(v.string()),
  message: v.optional(v.string()),
  metadata: v.optional(metadata),
  spec: v.optional(json),
  status: v.optional(v.union([json, v.string()])),
  details: v.optional(json),
  items: v.optional(v.array(v.looseObject({ metadata, status: v.optional(json) }))),
});
export type Said = v.InferOutput<typeof Said>;

export type PlainAsk = (
  method: Parameters<AskApi>[0]['method'],
  path: string,
  value?: unknown,
  type?: string,
) => Promise<{ status: number; body: Said }>;

/** Sends one request, and returns the whole answer. */
export const askPlainly =
  (ask: AskApi): PlainAsk =>
  async (method, path, value, type = 'application/json') => {
    const body = value === undefined ? {} : { body: { type, value } };
    const { signal: abort } = new AbortController();
    const { status, text } = await ask({ what: `${method} ${path}`, method, path, ...body, abort });
    return { status, body: v.parse(v.pipe(v.string(), v.parseJson(), Said), text) };
  };
