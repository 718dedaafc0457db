import { createHash } from 'node:crypto';
import type { HeldObject } from '../../src/services/kubernetes-objects.ts';
import type { Workload } from '../../src/services/kubernetes.ts';
import { readsOf, showsFile } from '../../src/services/pod-spec.ts';

/** The pods' annotation: which state of the login they have read. */
export const MARK = 'coe-agent/credentials';

/** What pods may read, and what it is now. */
export type Sources = {
  /** The objects with the new login. */
  objects: readonly HeldObject[];
  /** The files of this node that have changed, and the change. */
  files: readonly string[];
  id: string;
};

export type Reader = {
  workload: Workload;
  /** The annotation that its pods are to have. */
  mark: string;
  /** It is started with the path of such a file, as openstack-cloud-controller-manager is: others need what it makes. */
  isFirst: boolean;
};

/**
 * The workloads whose pods read the login: by a volume or a variable of an object, or by a path of the node. The mark
 * depends on the versions of the objects, so that a workload that has been replaced since is passed over.
 */
export function readersOf(workloads: readonly Workload[], { objects, files, id }: Sources): Reader[] {
  return workloads.flatMap((workload) => {
    const { secrets, configMaps, hostPaths, words } = readsOf(workload.spec.template.spec);
    const { namespace } = workload.metadata;
    const read = objects.filter(
      (one) => one.namespace === namespace && (one.kind === 'secrets' ? secrets : configMaps).has(one.name),
    );
    const shown = files.filter((file) => hostPaths.some((path) => showsFile(path, file)));
    if (read.length === 0 && shown.length === 0) return [];
    const parts = read.map(({ kind, name, version }) => `${kind}/${name}@${version}`).toSorted();
    const mark = digest([...parts, ...(shown.length > 0 ? [id] : [])].join(' '));
    return [{ workload, mark, isFirst: shown.some((file) => words.some((word) => word.endsWith(file))) }];
  });
}

/** Short, and no secret is in it. */
const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
