import * as v from 'valibot';

const named = v.nullish(v.object({ name: v.nullish(v.string()), secretName: v.nullish(v.string()) }));
const Source = v.object({ secret: named, configMap: named });
const Volume = v.object({
  ...Source.entries,
  projected: v.nullish(v.object({ sources: v.nullish(v.array(Source)) })),
  hostPath: v.nullish(v.object({ path: v.string() })),
});
const keyRef = v.nullish(v.object({ name: v.nullish(v.string()) }));
const Container = v.object({
  command: v.nullish(v.array(v.string())),
  args: v.nullish(v.array(v.string())),
  env: v.nullish(
    v.array(v.object({ valueFrom: v.nullish(v.object({ secretKeyRef: keyRef, configMapKeyRef: keyRef })) })),
  ),
  envFrom: v.nullish(v.array(v.object({ secretRef: keyRef, configMapRef: keyRef }))),
});

/** The parts of a pod's spec that name what its containers read. */
export const PodSpec = v.object({
  volumes: v.nullish(v.array(Volume)),
  containers: v.nullish(v.array(Container)),
  initContainers: v.nullish(v.array(Container)),
});
export type PodSpec = v.InferOutput<typeof PodSpec>;

/** What a pod reads, by name, and the words with which its containers are started. */
export type PodReads = {
  secrets: ReadonlySet<string>;
  configMaps: ReadonlySet<string>;
  hostPaths: readonly string[];
  words: readonly string[];
};

/** Finds the Secrets, config maps and paths of the node that a pod mounts or has in its environment. */
export function readsOf(spec: PodSpec | undefined): PodReads {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const volumes = spec?.volumes ?? [];
  const sources = volumes.flatMap((one) => [one, ...(one.projected?.sources ?? [])]);
  const env = containers.flatMap((one) => one.env ?? []).map(({ valueFrom }) => valueFrom);
  const envFrom = containers.flatMap((one) => one.envFrom ?? []);
  return {
    secrets: namesIn([
      ...sources.map(({ secret }) => secret?.secretName ?? secret?.name),
      ...env.map((one) => one?.secretKeyRef?.name),
      ...envFrom.map((one) => one.secretRef?.name),
    ]),
    configMaps: namesIn([
      ...sources.map(({ configMap }) => configMap?.name),
      ...env.map((one) => one?.configMapKeyRef?.name),
      ...envFrom.map((one) => one.configMapRef?.name),
    ]),
    hostPaths: volumes.flatMap(({ hostPath }) => hostPath?.path ?? []),
    words: containers.flatMap(({ command, args }) => [...(command ?? []), ...(args ?? [])]),
  };
}

const namesIn = (names: readonly (string | null | undefined)[]): Set<string> =>
  new Set(names.flatMap((name) => name || []));

/**
 * Whether a mounted path of the node shows a file: the file itself, its directory, or one above that. A mount of `/` or of
 * `/etc` shows nearly everything, as that of a node exporter does, and does not count.
 */
export function showsFile(hostPath: string, file: string): boolean {
  const path = hostPath.endsWith('/') ? hostPath.slice(0, -1) : hostPath;
  return path === file || (file.startsWith(`${path}/`) && path.split('/').length > 2);
}
