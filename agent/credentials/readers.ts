import { createHash } from 'node:crypto';
import type { HeldObject } from '../../src/services/kubernetes-objects.ts';
import type { Workload } from '../../src/services/kubernetes.ts';
import type { LonePod } from '../../src/services/lone-pods.ts';
import { type PodSpec, readsOf, showsFile } from '../../src/services/pod-spec.ts';

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
export function readersOf(workloads: readonly Workload[], { id, ...sources }: Sources): Reader[] {
  return workloads.flatMap((workload) => {
    const { template } = workload.spec;
    const { read, shown, words } = readBy(template.spec, workload.metadata.namespace, sources);
    if (read.length === 0 && shown.length === 0) return [];
    const parts = read.map(({ kind, name, version }) => `${kind}/${name}@${version}`).toSorted();
    const mark = digest([...parts, ...(shown.length > 0 ? [id] : [])].join(' '));
    return [{ workload, mark, isFirst: shown.some((file) => words.some((word) => word.endsWith(file))) }];
  });
}

/** Lists the pods that read the login, and that nothing replaces. Several pods of one Job count once. */
export const loneReadersOf = (pods: readonly LonePod[], sources: Omit<Sources, 'id'>): string[] => {
  const reading = pods.filter(({ spec, namespace }) => {
    const { read, shown } = readBy(spec, namespace, sources);
    return read.length + shown.length > 0;
  });
  return [...new Set(reading.map(({ of }) => of))].toSorted();
};

/** What the containers of a pod read of the login. */
function readBy(
  spec: PodSpec | undefined,
  namespace: string,
  { objects, files }: Omit<Sources, 'id'>,
): { read: readonly HeldObject[]; shown: readonly string[]; words: readonly string[] } {
  const { secrets, configMaps, hostPaths, words } = readsOf(spec);
  const read = objects.filter(
    (one) => one.namespace === namespace && (one.kind === 'secrets' ? secrets : configMaps).has(one.name),
  );
  return { read, shown: files.filter((file) => hostPaths.some((path) => showsFile(path, file))), words };
}

/** Returns a short hash, which reveals no secret. */
const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
