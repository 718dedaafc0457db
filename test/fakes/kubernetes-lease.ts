import * as v from 'valibot';
import {
  type Answer,
  alreadyExists,
  conflict,
  failure,
  notFound,
  withoutVersion,
} from './kubernetes-status.ts';

export type StoredLease = {
  holder: string;
  annotations: Record<string, string>;
  renewTime: string;
  /** The duration of the lease; an hour by default. */
  seconds?: number;
};

export const LEASE = { group: 'coordination.k8s.io', kind: 'leases' };

const Body = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    apiVersion: v.literal('coordination.k8s.io/v1'),
    kind: v.literal('Lease'),
    metadata: v.object({
      name: v.string(),
      resourceVersion: v.optional(v.string()),
      annotations: v.record(v.string(), v.string()),
    }),
    spec: v.object({
      holderIdentity: v.string(),
      leaseDurationSeconds: v.pipe(v.number(), v.integer()),
      // MicroTime
      renewTime: v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)),
    }),
  }),
);

/** A lease for the agents, with the API's optimistic concurrency. */
export function createLease(name: string): {
  current: StoredLease | undefined;
  answer(method: string, body: string): Answer;
} {
  let version = 1;
  const resource = { ...LEASE, name };

  const shown = (
    { holder, annotations, renewTime, seconds = 3600 }: StoredLease,
    status: number,
  ): Answer => ({
    status,
    body: {
      kind: 'Lease',
      apiVersion: 'coordination.k8s.io/v1',
      metadata: { name, namespace: 'kube-system', resourceVersion: String(version), annotations },
      spec: { holderIdentity: holder, leaseDurationSeconds: seconds, renewTime },
    },
  });

  const lease: ReturnType<typeof createLease> = {
    current: undefined,
    answer: (method, body) => {
      const before = lease.current;
      if (method === 'GET') return before ? shown(before, 200) : notFound(resource);
      const parsed = v.safeParse(Body, body);
      if (!parsed.success)
        return failure(
          400,
          'BadRequest',
          `Lease in version "v1" cannot be handled as a Lease: ${v.summarize(parsed.issues)}`,
        );
      const { metadata, spec } = parsed.output;
      // A PUT of a missing lease creates it, whatever version it names.
      if (before) {
        if (method === 'POST') return alreadyExists(resource);
        if (metadata.resourceVersion === undefined) return withoutVersion(resource);
        if (metadata.resourceVersion !== String(version)) return conflict(resource);
      }
      version += 1;
      lease.current = {
        holder: spec.holderIdentity,
        annotations: metadata.annotations,
        renewTime: spec.renewTime,
        seconds: spec.leaseDurationSeconds,
      };
      return shown(lease.current, before ? 200 : 201);
    },
  };
  return lease;
}
