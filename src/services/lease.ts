import * as v from 'valibot';
import { type Call, parsed } from './kubernetes-call.ts';

/** One lease in kube-system (coordination.k8s.io/v1). */
export type LeaseCalls = {
  read(abort: AbortSignal): Promise<Lease | undefined>;
  /** Creates or replaces the lease. Returns false if it has changed meanwhile. */
  write(lease: Lease, abort: AbortSignal): Promise<boolean>;
};

export type Lease = {
  /** The version that was read; undefined for a lease to create. */
  version: string | undefined;
  annotations: Readonly<Record<string, string>>;
  /** Empty if it is free. */
  holder: string;
  /** End of validity, in milliseconds since the epoch. */
  until: number;
};

const LeaseBody = v.object({
  metadata: v.object({
    resourceVersion: v.optional(v.string()),
    annotations: v.nullish(v.record(v.string(), v.string())),
  }),
  spec: v.optional(
    v.object({
      holderIdentity: v.nullish(v.string()),
      leaseDurationSeconds: v.nullish(v.number()),
      renewTime: v.nullish(v.string()),
    }),
    {},
  ),
});

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';

/** @param seconds how long the lease is valid */
export function leaseCalls(call: Call, name: string, seconds: number): LeaseCalls {
  return {
    read: async (abort) => {
      const what = `reading the lease ${name}`;
      const path = `${LEASES}/${name}`;
      return await call({ what, method: 'GET', path, abort }, [200, 404], (status, text) =>
        status === 404 ? undefined : leaseOf(parsed(LeaseBody, text, what)),
      );
    },

    write: async ({ version, annotations, holder, until }, abort) => {
      const value = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: {
          name,
          namespace: 'kube-system',
          annotations,
          ...(version === undefined ? {} : { resourceVersion: version }),
        },
        spec: {
          holderIdentity: holder,
          leaseDurationSeconds: seconds,
          // MicroTime
          renewTime: new Date(until - seconds * 1000).toISOString().replace('Z', '000Z'),
        },
      };
      const what = `writing the lease ${name}`;
      const body = { type: 'application/json', value };
      const [method, path] =
        version === undefined ? (['POST', LEASES] as const) : (['PUT', `${LEASES}/${name}`] as const);
      return await call(
        { what, method, path, body, abort },
        [200, 201, 404, 409],
        (status) => status === 200 || status === 201,
      );
    },
  };
}

const leaseOf = ({ metadata, spec }: v.InferOutput<typeof LeaseBody>): Lease => ({
  version: metadata.resourceVersion,
  annotations: metadata.annotations ?? {},
  holder: spec.holderIdentity ?? '',
  until: (Date.parse(spec.renewTime ?? '') || 0) + (spec.leaseDurationSeconds ?? 0) * 1000,
});
