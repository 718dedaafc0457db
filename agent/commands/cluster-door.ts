import { hostPort } from '../../src/base/address.ts';
import { AgentError } from '../../src/base/errors.ts';
import type { IssueHands } from '../../src/certificates/issue.ts';
import type { KeyAlgorithm } from '../../src/certificates/key.ts';
import { given, type HeatParams } from '../../src/metadata/heat-params.ts';
import { auditIssued } from '../audit.ts';
import { CONFIG_PATH, HEAT_PARAMS } from '../config.ts';
import { checkNode, readNode } from '../node.ts';
import { type Context, openHands } from './verb.ts';

/** Signs a person's certificate and provides the cluster's part of the kubeconfig. */
export type ClusterDoor = Pick<IssueHands, 'readCa' | 'sign'> & {
  cluster: string;
  /** URL of the Kubernetes API. */
  server: string;
  keys: KeyAlgorithm;
  /** Records on the node who got a certificate. On other machines only Magnum knows. */
  audit?(issued: Parameters<typeof auditIssued>[0]): Promise<void>;
  close(): void;
};

/** Opens the cluster with the trust of the node that this runs on. */
export async function openNodesDoor(context: Context, abort: AbortSignal): Promise<ClusterDoor> {
  await expectNode(context);
  const hands = await openHands(context, () => undefined);
  try {
    const node = await readNode(hands);
    const { params } = node;
    const { heat_params: path, keys } = hands.config;
    checkNode(node, path, false);
    const server = `https://${apiAddress(params, path)}`;
    const door = await hands.openCluster(params, undefined, abort, { patient: false });
    return {
      readCa: door.readCa,
      sign: door.sign,
      cluster: params.get('CLUSTER_UUID') ?? 'kubernetes',
      server,
      keys,
      audit: async (issued) => {
        await auditIssued(issued, hands);
      },
      close: hands.close,
    };
  } catch (error) {
    hands.close();
    throw error;
  }
}

/** Opens the cluster with the caller's own login. Works on any machine. */
export async function openPersonsDoor(
  nameOrId: string,
  { world, log, secrets }: Context,
  abort: AbortSignal,
): Promise<ClusterDoor> {
  const { openPersonsCluster } = await import('../compose/person.ts');
  const door = await openPersonsCluster(nameOrId, { env: world.env, log, secrets }, abort);
  const { name, apiAddress: server, readCa, sign, close } = door;
  if (server?.startsWith('https://') === true)
    return { readCa, sign, cluster: name, server, keys: 'rsa-4096', close };
  close();
  throw new AgentError(
    'precondition',
    server === undefined
      ? `the cluster ${name} has no API address yet: wait until it is CREATE_COMPLETE`
      : `the API address of the cluster ${name} is ${server}, not an https URL`,
  );
}

/** On a machine that is not a node, the error names --cluster instead of a missing configuration. */
async function expectNode({ disk, configPath }: Context): Promise<void> {
  const found = await Promise.all(
    [HEAT_PARAMS, configPath, CONFIG_PATH].map(async (path) => await disk.info(path)),
  );
  if (found.some((info) => info !== undefined)) return;
  throw new AgentError(
    'usage',
    `this machine is not a node of a cluster (${HEAT_PARAMS} is missing): name the cluster with --cluster, and log in with OS_CLOUD or the OS_* variables`,
  );
}

/** Returns the address of the API. Prefers public addresses: a person is outside of the cluster's network. */
function apiAddress(params: HeatParams, path: string): string {
  const host = ['KUBE_API_PUBLIC_ADDRESS', 'KUBE_API_PRIVATE_ADDRESS', 'KUBE_NODE_IP']
    .map((key) => given(params, key))
    .find((address) => address !== undefined);
  if (host === undefined)
    throw new AgentError('bad-heat-params', `${path} has no address of a Kubernetes API`);
  return hostPort(host, given(params, 'KUBE_API_PORT') ?? '6443');
}
