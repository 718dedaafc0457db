import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import { JsonText } from '../base/json.ts';
import type { Lease } from './components.ts';

/** A GET of the Kubernetes API with the unit's kubeconfig; undefined if that kubeconfig proves nothing. */
export type Get = (path: string) => Promise<{ status: number; text: string } | undefined>;

const LeaseObject = v.pipe(
  JsonText,
  v.object({
    spec: v.object({ holderIdentity: v.nullish(v.string(), ''), renewTime: v.nullish(v.string(), '') }),
  }),
);

/** The annotation in which older locks of client-go store the leader (up to Kubernetes 1.19). */
const LEADER = 'control-plane.alpha.kubernetes.io/leader';
const Annotated = v.pipe(
  JsonText,
  v.object({ metadata: v.object({ annotations: v.nullish(v.record(v.string(), v.string()), {}) }) }),
);

const Leader = v.pipe(JsonText, v.object({ holderIdentity: v.nullish(v.string(), '') }));

/**
 * Returns the leader and its last renewal as one text; a different text means a renewal. Times are not compared with a
 * clock.
 *
 * @returns undefined if the lease does not exist or the unit may not read it
 * @throws `not-yet` for an invalid answer
 */
export const readRenewal = async (lease: Lease, get: Get): Promise<string | undefined> =>
  (await readLock(lease, get))?.renewal;

/** Returns the identity of the present or last leader; otherwise like `readRenewal`. */
export const readLeader = async (lease: Lease, get: Get): Promise<string | undefined> =>
  (await readLock(lease, get))?.holder;

async function readLock(
  { namespace, name }: Lease,
  get: Get,
): Promise<{ holder: string; renewal: string } | undefined> {
  const lease = await get(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`);
  if (lease?.status === 200) {
    const { holderIdentity, renewTime } = read(LeaseObject, lease.text, name).spec;
    return { holder: holderIdentity, renewal: `${holderIdentity} at ${renewTime}` };
  }
  for (const kind of ['endpoints', 'configmaps']) {
    const object = await get(`/api/v1/namespaces/${namespace}/${kind}/${name}`);
    const said =
      object?.status === 200 ? read(Annotated, object.text, name).metadata.annotations[LEADER] : undefined;
    if (said !== undefined) return { holder: read(Leader, said, name).holderIdentity, renewal: said };
  }
  return undefined;
}

function read<const S extends v.GenericSchema>(schema: S, text: string, name: string): v.InferOutput<S> {
  const parsed = v.safeParse(schema, text);
  if (parsed.success) return parsed.output;
  throw new AgentError('not-yet', `the lease ${name} cannot be read`);
}
