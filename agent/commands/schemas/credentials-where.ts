import * as v from 'valibot';
import { Problem } from './parts.ts';

/** Every place with a login to OpenStack, and the roles that the trust delegates. */
export const CredentialsWhere = v.object({
  places: v.array(
    v.object({
      kind: v.picklist(['file', 'secret', 'configmap']),
      /** The path, or `NAMESPACE/NAME`. */
      of: v.string(),
      /** `former`: the node's own login before its last change. */
      whose: v.picklist(['node', 'former', 'another', 'unknown']),
      user: v.optional(v.string()),
      trust: v.optional(v.string()),
      /** Units or workloads. */
      readers: v.array(v.string()),
    }),
  ),
  /** Whether the Kubernetes API was searched. `why` is the error of an API that did not answer. */
  api: v.picklist(['answers', 'no-master', 'silent']),
  why: v.optional(v.string()),
  /** Workloads whose pods mount paths that show logins or certificates of the node. */
  hostPaths: v.array(v.object({ workload: v.string(), paths: v.array(v.string()) })),
  /** Pods and Jobs that read such an object or path, and that nothing replaces after a change. */
  lonePods: v.array(v.string()),
  /** null: Keystone could not be asked; `problem` has the reason. */
  roles: v.nullable(v.array(v.string())),
  warning: v.optional(v.object({ code: v.string(), text: v.string() })),
  problem: v.optional(Problem),
});
