import { AgentError } from '../../src/base/errors.ts';
import type { Remark } from '../../src/base/remark.ts';
import {
  type HeldObject,
  type KubernetesObjects,
  nameOfObject,
  OBJECT_KINDS,
} from '../../src/services/kubernetes-objects.ts';
import type { ObjectLogin } from './object-login.ts';

/** The result for the login in the cluster's API. `of` is the object, the workload or the other master. */
export type ClusterRemark = Remark<
  'object-changed' | 'object-left' | 'pod-left' | 'elsewhere' | 'replaced' | 'waits' | 'late' | 'failed'
>;

/** Attempts to change an object that others change at the same time. */
const ATTEMPTS = 5;

/** Lists every Secret and config map of the cluster. */
export async function listAll(api: KubernetesObjects, abort: AbortSignal): Promise<HeldObject[]> {
  const found: HeldObject[] = [];
  for (const kind of OBJECT_KINDS) found.push(...(await api.list(kind, abort)));
  return found;
}

/**
 * Reads one object and changes it in the version that was read.
 *
 * @throws `not-yet` if others keep changing it
 */
export async function changeOne(
  { kind, namespace, name }: HeldObject,
  change: (now: HeldObject) => ObjectLogin,
  api: KubernetesObjects,
  abort: AbortSignal,
): Promise<ClusterRemark[]> {
  const of = nameOfObject({ kind, namespace, name });
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const now = await api.read({ kind, namespace, name }, abort);
    if (!now) return [];
    const { changes, left } = change(now);
    const leaving = left.map(({ code, key }): ClusterRemark => ({
      code: 'object-left',
      of,
      text: `${of}: the login in ${key} is not changed (${code})`,
    }));
    if (changes.data.size === 0 && changes.lastApplied === undefined) return leaving;
    const written = await api.write(now, changes, abort);
    if (written === 'written') return [{ code: 'object-changed', of, text: `${of} is changed` }, ...leaving];
    if (written === 'gone') return [];
    if (written === 'refused')
      return [
        { code: 'object-left', of, text: `${of}: the API rejects the change; the object may be immutable` },
      ];
  }
  throw new AgentError('not-yet', `${of}: another client changes it at the same time`);
}
