import { readFile } from 'node:fs/promises';
import { systemClock } from '../../../src/base/clock.ts';
import { hostOf } from '../../../src/base/address.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { once } from '../../../src/base/retry.ts';
import type { AskApi } from '../../../src/services/kubernetes-call.ts';
import { createNodeAnnotations, type NodeObject } from '../../../src/services/node-annotations.ts';
import { openKubernetesWith } from '../../compose/kubernetes.ts';
import { HEAT_PARAMS } from '../../config.ts';
import { readNode } from '../../node.ts';
import { clientsOf } from '../../peers/clients.ts';
import { placeOf } from '../../peers/known.ts';
import { firstApisOf, withAnyApi } from '../../peers/reach-api.ts';
import { BRIEFLY } from '../../rotation/own-api.ts';
import { type Context, openHands } from '../verb.ts';

const listed = async (ask: AskApi, abort: AbortSignal): Promise<NodeObject[]> =>
  await createNodeAnnotations(ask, once, BRIEFLY).list(abort);

/**
 * Lists the Nodes with the credential of this master: a worker's kubelet may not list them.
 *
 * @throws `usage` if this is not a master; `cloud-unreachable` when its API server does not answer
 */
export async function listAsMaster(context: Context, abort: AbortSignal): Promise<NodeObject[]> {
  if (!(await context.disk.info(HEAT_PARAMS))) throw notHere('no node of a cluster');
  const hands = await openHands(context, () => undefined);
  try {
    const node = await readNode(hands);
    const { kubernetes } = clientsOf(node);
    if (node.role !== 'master' || !kubernetes) throw notHere('no master of a Kubernetes cluster');
    const { units } = await placeOf(node, hands, abort);
    const apis = firstApisOf(node, units);
    const reached = await withAnyApi(apis, kubernetes, hands, abort, async (ask) => await listed(ask, abort));
    if (reached.api === 'answers') return reached.value;
    throw reached.api === 'silent'
      ? new AgentError('cloud-unreachable', 'the API server of this master does not answer')
      : new AgentError('cloud-refused', 'the API server of this master does not accept its certificate');
  } finally {
    hands.close();
  }
}

const notHere = (what: string): AgentError =>
  new AgentError(
    'usage',
    `this machine is ${what}: run this on a master, or name a kubeconfig with --kubeconfig`,
  );

/**
 * Lists the Nodes as the user of a kubeconfig's current context.
 *
 * @throws `usage` when the kubeconfig cannot be used
 */
export async function listByKubeconfig(
  path: string,
  { secrets }: Pick<Context, 'secrets'>,
  abort: AbortSignal,
): Promise<NodeObject[]> {
  const { identityIn, readSource, serverIn } = await import('../../../src/files/kubeconfig-contents.ts');
  const text = await read(path);
  const identity = identityIn(path, text);
  const [ca, cert, key] = [
    await readSource(path, identity.ca, read),
    await readSource(path, identity.certificate, read),
    await readSource(path, identity.key, read),
  ];
  if (ca === undefined || cert === undefined || key === undefined)
    throw new AgentError(
      'usage',
      `--kubeconfig: ${path} names no CA, or no client certificate with its key; tokens and exec plugins are not supported: make one with agent cluster-config`,
      { reason: 'no-client-certificate' },
    );
  secrets.add(key);
  const { host, port } = addressIn(path, serverIn(path, text));
  const open = openKubernetesWith((http) => http, systemClock.now);
  const api = open({ host, port, ca, client: { cert, key } });
  try {
    return await listed(api.ask, abort);
  } finally {
    api.close();
  }
}

const read = async (file: string): Promise<string> =>
  await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new AgentError('usage', `--kubeconfig: ${file} cannot be read`, { cause });
  });

function addressIn(path: string, server: string | undefined): { host: string; port: number } {
  const url = URL.parse(server ?? '');
  if (url?.protocol !== 'https:')
    throw new AgentError('usage', `--kubeconfig: the server of ${path} is no https URL`);
  return { host: hostOf(url), port: Number(url.port || 443) };
}
