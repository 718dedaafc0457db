import { isDeepStrictEqual } from 'node:util';
import { AgentError, explain } from '../../src/base/errors.ts';
import { isObject, unlessTooDeep } from '../../src/base/json.ts';
import { boundSecrets } from '../../src/deployment/bound-secrets.ts';
import { type Decoded, decodeDeployment } from '../../src/deployment/decode.ts';
import { type Deployment, secretsOf } from '../../src/deployment/deployment.ts';
import {
  asksCloud,
  bringsFacts,
  type Collected,
  type Collector,
  type CollectorName,
} from '../../src/metadata/collector.ts';
import { isUnreadable } from '../../src/metadata/local.ts';
import {
  deploymentsOf,
  LARGEST_METADATA,
  parseMetadata,
  type Said,
  TOO_LARGE,
} from '../../src/metadata/decode.ts';
import { isData } from '../../src/metadata/merge.ts';
import type { Silence } from '../polling/polling-override.ts';
import type { Hands } from '../hands.ts';

/** The present metadata. */
export type Wanted = {
  deployments: Deployment[];
  /** The metadata of each source, in their order. */
  said: Said[];
  /** Every collector answered, and the metadata of each could be parsed. */
  isWhole: boolean;
  /** Every collector answered, so a deployment missing from `deployments` is no longer requested. */
  complete: boolean;
  /** Collectors and deployments that could not be read or decoded. One failure does not affect the others. */
  problems: AgentError[];
};

/** The result of one collector: why it returned no data, or only a part. */
export type Answered = {
  collector: CollectorName;
  why: string | undefined;
  /** The code of its first fault. */
  code?: string | undefined;
  reason?: string | undefined;
  refused: boolean;
};

/** Returns why the cloud did not answer. Local files do not count as an answer of the cloud. */
export function silenceOf(answers: readonly Answered[]): Silence | undefined {
  for (const { collector, why, refused } of answers)
    if (why !== undefined && asksCloud(collector)) return { why, refused };
  return undefined;
}

/** Asks every configured collector. @throws `aborted` when the program must stop */
export async function collect(
  hands: Hands,
  abort: AbortSignal,
): Promise<{ texts: Collected[]; problems: AgentError[]; answers: Answered[] }> {
  const results = await Promise.allSettled(
    hands.collectors.map(async (collector) => await collector.collect(abort)),
  );
  if (abort.aborted) throw new AgentError('aborted', 'stopped while polling');
  const faults = results.map((result) =>
    result.status === 'rejected'
      ? [asAgentError(result.reason)]
      : result.value.filter(isUnreadable).map(({ fault }) => fault),
  );
  const found = results.flatMap((result, index) =>
    result.status === 'fulfilled' ? result.value.map((one) => from(hands.collectors[index], one)) : [],
  );
  const { texts, left } = withinBounds(found.filter((one) => !isUnreadable(one)));
  return {
    texts,
    problems: [
      ...left,
      ...faults.flatMap((all, index) => {
        const collector = hands.collectors[index];
        return collector && bringsFacts(collector.name) ? [] : all;
      }),
    ],
    answers: hands.collectors.map(({ name }, index) => ({
      collector: name,
      why: faults[index]?.map(explain).join('; ') || undefined,
      code: faults[index]?.[0]?.code,
      reason: faults[index]?.[0]?.reason,
      refused: faults[index]?.some(({ kind }) => kind === 'refused') ?? false,
    })),
  };
}

const from = (collector: Collector | undefined, one: Collected): Collected =>
  collector ? { ...one, collector: collector.name } : one;

/** Keeps the metadata within the size limit; leaves out the largest first. */
function withinBounds(found: readonly Collected[]): { texts: Collected[]; left: AgentError[] } {
  let room = LARGEST_METADATA;
  const fitting = new Set<Collected>();
  for (const one of found.toSorted((a, b) => a.text.length - b.text.length)) {
    room -= one.text.length;
    if (room >= 0) fitting.add(one);
  }
  return {
    texts: found.filter((one) => fitting.has(one)),
    left: found
      .filter((one) => !fitting.has(one))
      .map(
        ({ source }) =>
          new AgentError(
            'bad-metadata',
            `reading the metadata from ${source}: with the other sources ${TOO_LARGE}`,
            { reason: 'metadata-too-large' },
          ),
      ),
  };
}

/**
 * Decodes the collectors' metadata. If two deployments have the same id, the first one applies. A malformed deployment
 * is included if it can be answered.
 */
export function understand(
  texts: readonly Collected[],
  unanswered: readonly AgentError[],
  hands: Hands,
): Wanted {
  const deployments = new Map<string, { deployment: Deployment; raw: unknown }>();
  const understood: Said[] = [];
  const problems = [...unanswered];
  let complete = unanswered.length === 0;
  for (const collected of texts) {
    try {
      const said = parseMetadata(collected);
      for (const raw of deploymentsOf(said)) {
        const decoded = decodeSafely(raw.value);
        const { deployment } = decoded;
        // Data without an id requests nothing and gets no answer.
        if (!deployment && isObject(raw.value) && isData(raw.value)) continue;
        // Heat may still wait for an answer.
        if (!decoded.ok && (!deployment || deployment.resource === deployment.id)) complete = false;
        if (!deployment) {
          if (!decoded.ok) problems.push(decoded.error);
          continue;
        }
        const other = deployments.get(deployment.id);
        if (!other) deployments.set(deployment.id, { deployment, raw: raw.value });
        // The same deployment from two collectors is valid, for example while the transport changes.
        else if (unlessTooDeep(() => isDeepStrictEqual(other.raw, raw.value)) !== true)
          problems.push(
            new AgentError(
              'bad-deployment',
              `deployment ${deployment.id} occurs twice; the first one counts`,
              {
                reason: 'deployment-twice',
              },
            ),
          );
      }
      understood.push(said);
    } catch (error) {
      problems.push(asAgentError(error));
      complete = false;
    }
  }
  const found = boundSecrets([...deployments.values()].map(({ deployment }) => deployment));
  for (const deployment of found)
    for (const secret of secretsOf(deployment)) hands.secrets.addFor(deployment.id, secret);
  const isWhole = unanswered.length === 0 && understood.length === texts.length;
  return { deployments: found, said: understood, isWhole, complete, problems };
}

/** Decodes a deployment. JSON nested thousands of levels deep overflows the stack of a recursive reader. */
const decodeSafely = (value: unknown): Decoded =>
  unlessTooDeep(() => decodeDeployment(value)) ?? {
    ok: false,
    id: undefined,
    error: new AgentError('bad-deployment', 'a deployment is nested too deep', { reason: 'nested-too-deep' }),
  };

const asAgentError = (error: unknown): AgentError =>
  error instanceof AgentError ? error : new AgentError('bad-metadata', explain(error), { cause: error });
