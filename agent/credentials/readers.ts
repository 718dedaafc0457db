import { createHash } from 'node:crypto';
import type { HeldObject } from '../../src/services/kubernetes-objects.ts';
import type { Workload } from '../../src/services/kubernetes.ts';
import { readsOf, showsFile } from '../../src/services/pod-spec.ts';

/** Pod annotation with the state of the login that the pod has read. */
export const MARK = 'coe-agent/credentials';

/** The sources from which pods may read the login, in their present state. */
export type Sources = {
  /** The objects with the new login. */
  objects: readonly HeldObject[];
  /** The changed files of this node, and the id of the change. */
  files: readonly string[];
  id: string;
};

export type Reader = {
  workload: Workload;
  /** The annotation that its pods must have. */
  mark: string;
  /**
   * It takes the path of such a file as an argument, like openstack-cloud-controller-manager: other workloads depend on
   * it.
   */
  isFirst: boolean;
};

/**
 * Lists the workloads whose pods read the login, through a volume or variable from an object, or through a path of the
 * node. The mark depends on the versions of the objects, so that a workload restarted since then is skipped.
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

/** Returns a short hash, which reveals no secret. */
const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
