import * as v from 'valibot';
import { AgentError } from '../../../src/base/errors.ts';
import { JsonText } from '../../../src/base/json.ts';
import { once } from '../../../src/base/retry.ts';
import type { AskApi } from '../../../src/services/kubernetes-call.ts';
import { createNodeAnnotations, type NodeObject } from '../../../src/services/node-annotations.ts';
import { HEAT_PARAMS } from '../../config.ts';
import { Report } from '../../inspection/report.ts';
import { readNode } from '../../node.ts';
import { clientsOf } from '../../peers/clients.ts';
import { placeOf } from '../../peers/known.ts';
import { firstApisOf, withAnyApi } from '../../peers/reach-api.ts';
import { BRIEFLY } from '../../rotation/own-api.ts';
import { type Context, openHands } from '../verb.ts';
import type { FleetNode } from './source.ts';

/** Lists the Nodes once: the caller repeats it. */
export const listed = async (ask: AskApi, abort: AbortSignal): Promise<FleetNode[]> =>
  (await createNodeAnnotations(ask, once, BRIEFLY).list(abort)).map(fleetNodeOf);

const Written = v.pipe(JsonText, Report);

/** Reads the report in the annotation of a Node. */
export function fleetNodeOf({ name, isMaster, isReady, annotations }: NodeObject): FleetNode {
  const known = { node: name, role: isMaster ? 'master' : 'worker', isReady } as const;
  const text = annotations['report'];
  if (text === undefined) return { ...known, report: 'no-report' };
  const parsed = v.safeParse(Written, text);
  return { ...known, report: parsed.success ? parsed.output : 'bad-report' };
}

/**
 * Lists the Nodes with the credential of this master: a worker's kubelet may not list them.
 *
 * @throws `usage` if this is not a master; `cloud-unreachable` when its API server does not answer
 */
export async function listAsMaster(context: Context, abort: AbortSignal): Promise<FleetNode[]> {
  if (!(await context.disk.info(HEAT_PARAMS))) throw notHere('not a node of a cluster');
  const hands = await openHands(context, () => undefined);
  try {
    const node = await readNode(hands);
    const { kubernetes } = clientsOf(node);
    if (node.role !== 'master' || !kubernetes) throw notHere('not a master of a Kubernetes cluster');
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
    `this machine is ${what}: run this on a master, name a kubeconfig with --kubeconfig, or, without Kubernetes, a Heat stack with --stack`,
  );
