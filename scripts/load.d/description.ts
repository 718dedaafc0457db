import { readFile } from 'node:fs/promises';
import * as v from 'valibot';

const COMPONENTS = [
  'kube-apiserver',
  'kubelet',
  'etcd',
  'etcd-peer',
  'kube-controller-manager',
  'kube-scheduler',
] as const;
export type Component = (typeof COMPONENTS)[number];

/** host:port */
const Address = v.pipe(v.string(), v.regex(/^[^:/]+:\d+$/, 'not host:port'));

/**
 * A client and the CA that it trusts, as paths of PEM files, which are read at every attempt. It waits until all exist.
 */
const Identity = v.strictObject({ name: v.string(), ca: v.string(), cert: v.string(), key: v.string() });

/** The cluster to load and to observe. */
const Description = v.strictObject({
  nodes: v.array(
    v.strictObject({
      name: v.string(),
      address: v.string(),
      /** TLS ports by component; missing ones are not checked. */
      ports: v.partial(v.strictObject(v.entriesFromList(COMPONENTS, v.number()))),
    }),
  ),
  /** The address for clients that know no node. */
  loadBalancer: v.optional(Address),
  /** Clients of the Kubernetes API. */
  identities: v.array(Identity),
  /** Clients of etcd. */
  etcd: v.optional(v.array(Identity), []),
  /** Paths of CAs by name, to identify the leaf that a port presents. */
  authorities: v.optional(v.record(v.string(), v.string()), {}),
  /** A running pod, whose log is followed and in which a program runs. */
  pod: v.optional(v.strictObject({ namespace: v.string(), name: v.string() })),
  /** A path of an aggregated API, which the API server requests from another server. */
  aggregated: v.optional(v.string()),
  /** The programs of scripts/kubernetes; without them client-go is not tested. */
  programs: v.optional(v.string()),
});
export type Description = v.InferOutput<typeof Description>;
export type Identity = v.InferOutput<typeof Identity>;
export type Node = Description['nodes'][number];

export const readDescription = async (path: string): Promise<Description> =>
  v.parse(v.pipe(v.string(), v.parseJson(), Description), await readFile(path, 'utf8'));

/** The API's addresses: the load balancer, and each master directly. */
export type Target = { name: string; host: string; port: number };

export function targetsOf({ nodes, loadBalancer }: Description): Target[] {
  const direct = nodes.flatMap(({ name, address, ports }) =>
    ports['kube-apiserver'] === undefined ? [] : [{ name, host: address, port: ports['kube-apiserver'] }],
  );
  if (loadBalancer === undefined) return direct;
  const [host = '', port] = loadBalancer.split(':');
  return [{ name: 'load balancer', host, port: Number(port) }, ...direct];
}

export const portsOf = ({ ports }: Node): (readonly [Component, number])[] =>
  COMPONENTS.flatMap((component) => {
    const port = ports[component];
    return port === undefined ? [] : [[component, port] as const];
  });
