import { readCredentials } from './credentials.ts';
import { type Component, type Description, type Identity, type Node, portsOf } from './description.ts';
import { failureOf } from './outcome.ts';
import { type Look, LOOK_MS } from './look.ts';
import { send } from './request.ts';

/** Paths for known clients only; a kubelet and others ask an API server for authorization. */
const PATHS: Partial<Record<Component, string>> = {
  'kube-apiserver': '/api/v1/namespaces/default',
  kubelet: '/pods',
  etcd: '/health',
  'kube-controller-manager': '/metrics',
  'kube-scheduler': '/metrics',
};

/** Looks where each identity is accepted: the status at each port, or the reason of a failure. */
export const lookAtAdmission: Look = async (description) =>
  await Promise.all(
    description.nodes.flatMap((node) =>
      portsOf(node).flatMap(([component, port]) =>
        identitiesFor(component, description).map(
          async (identity) =>
            [
              `${component} on ${node.name} to ${identity.name}`,
              await admission(node, port, PATHS[component] ?? '/', identity),
            ] as const,
        ),
      ),
    ),
  );

const identitiesFor = (component: Component, { identities, etcd }: Description): readonly Identity[] => {
  if (component === 'etcd-peer') return [];
  return component === 'etcd' ? etcd : identities;
};

async function admission(
  { name, address: host }: Node,
  port: number,
  path: string,
  identity: Identity,
): Promise<string> {
  const credentials = await readCredentials(identity);
  if (!credentials) return 'not there yet';
  try {
    // The server's certificate is checked elsewhere: any is accepted here.
    const { cert, key } = credentials;
    const shown = { authorities: undefined, ...(cert && { cert }), ...(key && { key }) };
    const { status } = await send({ name, host, port }, shown, { path, timeoutMs: LOOK_MS });
    return String(status);
  } catch (error) {
    return failureOf(error).why;
  }
}
