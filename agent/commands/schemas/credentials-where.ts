import * as v from 'valibot';
import { Problem } from './parts.ts';

/** Every place with a login to OpenStack, and what the trust delegates. */
export const CredentialsWhere = v.object({
  places: v.array(
    v.object({
      kind: v.picklist(['file', 'secret', 'configmap']),
      /** The path, or `NAMESPACE/NAME`. */
      of: v.string(),
      /** `former`: the node's own before its last change. */
      whose: v.picklist(['node', 'former', 'another', 'unknown']),
      user: v.optional(v.string()),
      trust: v.optional(v.string()),
      /** Units or workloads. */
      readers: v.array(v.string()),
    }),
  ),
  /** Whether the Kubernetes API was searched; `why` says what a silent one said. */
  api: v.picklist(['answers', 'no-master', 'silent']),
  why: v.optional(v.string()),
  /** Workloads whose pods mount paths that show logins or certificates of the node. */
  hostPaths: v.array(v.object({ workload: v.string(), paths: v.array(v.string()) })),
  /** null: Keystone did not tell, as `problem` says. */
  roles: v.nullable(v.array(v.string())),
  warning: v.optional(v.object({ code: v.string(), text: v.string() })),
  problem: v.optional(Problem),
});
