import * as v from 'valibot';
import { readCredentials } from './credentials.ts';
import { targetsOf } from './description.ts';
import { type Look, LOOK_MS } from './look.ts';
import { send } from './request.ts';

const NodeList = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    items: v.array(
      v.object({
        metadata: v.object({ name: v.string() }),
        status: v.object({
          conditions: v.optional(v.array(v.object({ type: v.string(), status: v.string() })), []),
        }),
      }),
    ),
  }),
);

/** Looks at the Ready condition of each node, as any identity that any API server accepts. */
export const lookAtNodes: Look = async (description) => {
  for (const target of targetsOf(description).toReversed())
    for (const identity of description.identities) {
      const credentials = await readCredentials(identity);
      if (!credentials) continue;
      const call = { path: '/api/v1/nodes', timeoutMs: LOOK_MS };
      const answer = await send(target, credentials, call).catch(() => undefined);
      if (answer?.status !== 200) continue;
      return v.parse(NodeList, answer.text).items.map(({ metadata, status }) => {
        const ready = status.conditions.find(({ type }) => type === 'Ready')?.status ?? 'Unknown';
        return [`${metadata.name} is Ready`, ready] as const;
      });
    }
  return [['the nodes', 'no API server answers']];
};
