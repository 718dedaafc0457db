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

/** Who a client is, and what it trusts; paths of PEM files, read at every attempt. Until all are there, it waits. */
const Identity = v.strictObject({ name: v.string(), ca: v.string(), cert: v.string(), key: v.string() });

/** The cluster that is loaded and looked at. */
const Description = v.strictObject({
  nodes: v.array(
    v.strictObject({
      name: v.string(),
      address: v.string(),
      /** TLS ports by component; what is not there is not looked at. */
      ports: v.partial(v.strictObject(v.entriesFromList(COMPONENTS, v.number()))),
    }),
  ),
  /** Where clients go that know no node. */
  loadBalancer: v.optional(Address),
  /** Clients of the Kubernetes API. */
  identities: v.array(Identity),
  /** Clients of etcd. */
  etcd: v.optional(v.array(Identity), []),
  /** CAs by name, paths: whose leaf it is that a port presents. */
  authorities: v.optional(v.record(v.string(), v.string()), {}),
  /** A pod that runs: its log is followed and a program run in it. */
  pod: v.optional(v.strictObject({ namespace: v.string(), name: v.string() })),
  /** Programs of scripts/kubernetes; without them there is no client-go. */
  programs: v.optional(v.string()),
});
export type Description = v.InferOutput<typeof Description>;
export type Identity = v.InferOutput<typeof Identity>;
export type Node = Description['nodes'][number];

export const readDescription = async (path: string): Promise<Description> =>
  v.parse(v.pipe(v.string(), v.parseJson(), Description), await readFile(path, 'utf8'));

/** Where the API is asked: the load balancer, and each master directly. */
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
