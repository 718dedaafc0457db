import { readText } from '../../src/base/disk.ts';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { certificatesIn } from '../../src/certificates/read.ts';
import { createNodeAnnotations } from '../../src/services/node-annotations.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { BRIEFLY } from '../rotation/own-api.ts';
import { servedCa } from '../rotation/served-cas.ts';
import { clientsOf } from './clients.ts';
import { apisOf, type Place, placeOf } from './known.ts';
import type { Look } from './look.ts';
import { type AnnotationName, onOwnNode } from './own-node.ts';
import { withAnyApi } from './reach-api.ts';
import { readRotation } from '../phases/record.ts';

/**
 * The annotation on the Node of a worker that rejects Magnum's CA: its fingerprint. Heat asks only the default node
 * groups. Others can forge it. It only makes the worker ask Magnum for its CAs.
 */
const SERVED_CA = 'served-ca' satisfies AnnotationName;

/**
 * Calls, on a master, the workers that answer and reject the CA that Magnum serves. A failure only delays the call.
 *
 * @throws `aborted`
 */
export async function callWorkers(
  { view, known, served }: Pick<Look, 'view' | 'known' | 'served'>,
  { node, units }: Place,
  hands: Hands,
  abort: AbortSignal,
): Promise<void> {
  const { kubernetes } = clientsOf(node);
  const fresh = servedCa(served, 'kubernetes')?.fingerprint256;
  if (!view.own.isMaster || !view.own.trustsServed || !kubernetes || fresh === undefined) return;
  const behind = new Set(
    view.peers.filter((peer) => !peer.isMaster && peer.seen?.acceptsServed === false).map(({ name }) => name),
  );
  const called = known.nodes.filter(
    ({ name, annotations }) => behind.has(name) && annotations[SERVED_CA] !== fresh,
  );
  if (called.length === 0) return;
  try {
    await withAnyApi(apisOf(node, units, known.peers), kubernetes, hands, abort, async (ask) => {
      const nodes = createNodeAnnotations(ask, hands.retry, BRIEFLY);
      for (const { name } of called) await nodes.write(name, { [SERVED_CA]: fresh }, abort);
    });
  } catch (error) {
    orLog(error, 'workers-uncalled', hands);
  }
}

/**
 * Returns the fingerprint of the CA with which masters have called this node, if it does not trust that CA.
 *
 * @throws `aborted`
 */
export async function readCall(node: Node, hands: Hands, abort: AbortSignal): Promise<string | undefined> {
  const { kubernetes } = clientsOf(node);
  if (node.role === 'master' || !kubernetes) return undefined;
  try {
    const { peers } = await readRotation(hands);
    const place = await placeOf(node, hands, abort);
    const reached = await onOwnNode({ ...place, peers }, hands, abort, async (own) => await own.read());
    const called = reached?.api === 'answers' ? reached.value?.annotations[SERVED_CA] : undefined;
    const trusted = certificatesIn((await readText(hands.disk, kubernetes.ca)) ?? '', kubernetes.ca);
    return trusted.some(({ fingerprint256 }) => fingerprint256 === called) ? undefined : called;
  } catch (error) {
    orLog(error, 'call-unread', hands);
    return undefined;
  }
}

/** Logs a failure. @throws the error when the program must stop, or when it is a bug */
function orLog(error: unknown, event: 'workers-uncalled' | 'call-unread', { log }: Pick<Hands, 'log'>): void {
  if (codeOf(error) === 'aborted' || !(error instanceof AgentError)) throw error;
  log(event, { code: codeOf(error), why: explain(error) });
}
