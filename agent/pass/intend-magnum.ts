import { createPublicKey } from 'node:crypto';
import { AgentError } from '../../src/base/errors.ts';
import { unescapedPem } from '../../src/base/pem.ts';
import { keyId } from '../../src/certificates/read.ts';
import type { Deployment } from '../../src/deployment/deployment.ts';
import type { MagnumUpdate } from '../../src/operation/magnum-deployment.ts';
import type { RotateOperation } from '../../src/operation/operation.ts';
import { issueHands } from '../rotation/issue-hands.ts';
import type { Hands } from '../hands.ts';
import { checkNode, describeNode, type Node, readNode } from '../node.ts';
import type { Intention } from '../plan/intention.ts';
import type { PlanNotice } from '../plan/step.ts';
import { unitsOf } from '../plan/units.ts';
import { timed } from '../progress.ts';
import { goesByItself } from '../rotation/by-itself.ts';
import { etcdMembers } from '../rotation/count-masters.ts';
import { fitWorker, PHASES_LEFT } from '../rotation/fit-phase.ts';
import { planKeys } from '../rotation/plan.ts';
import { hasServedCas, readServedCas, type ServedCas } from '../rotation/served-cas.ts';
import { checkKeys, GOING_BACK, hasKeys, intendToRotate } from './intend-rotation.ts';
import { intendToUpgrade } from './intend-upgrade.ts';

/**
 * Decides the work of Magnum's own deployment. It contains only inputs, and every update of the stack repeats all of
 * them. So this compares the node with the inputs and with the CAs that Magnum serves.
 *
 * @throws the error that prevents the work, before anything is changed
 */
export async function intendForMagnum(
  operation: MagnumUpdate,
  deployment: Deployment,
  hands: Hands,
  abort: AbortSignal,
): Promise<Intention> {
  const node = await readNode(hands);
  checkNode(node, hands.config.heat_params, false);
  checkKeys(operation, node);
  const upgrade = await intendToUpgrade(operation, deployment, node, hands, abort);
  if (upgrade.is === 'due') return upgrade.intention;
  const notices: PlanNotice[] = upgrade.is === 'done' ? [{ code: 'upgrade-done', text: upgrade.said }] : [];
  const intention = await intendForCertificates(operation, deployment, node, hands, abort);
  return withNotices(intention, notices);
}

async function intendForCertificates(
  operation: MagnumUpdate,
  deployment: Deployment,
  node: Node,
  hands: Hands,
  abort: AbortSignal,
): Promise<Intention> {
  const { serviceAccount } = operation;
  const served = await readServed(node, hands, abort);
  const isCurrent = await hasServedCas(served, node, hands);
  const brings = keysOf(operation, deployment, node, hands);
  if (!isCurrent && brings === 'new-keys') {
    const { phase = 'auto' } = hands.config.rotation;
    const asked: RotateOperation = { ...ROTATION, phase: phase === 'auto' ? 'all' : phase, serviceAccount };
    const rotation = (await goesByItself(node, hands, abort))
      ? { operation: { ...asked, phase: 'trust' as const }, notices: [] }
      : await fitWorker(asked, served, node, hands, abort);
    const intention = await intendToRotate(rotation.operation, hands, abort);
    return { ...withNotices(intention, rotation.notices), magnum: 'rotation' };
  }
  const members = await etcdMembers(node, hands, abort);
  // Every master accepted the earlier keys before, so they can sign at once.
  const isAtOnce = members === 'none' || members === 1 || brings === 'earlier-keys';
  const keys = { phase: isAtOnce ? 'all' : 'trust', serviceAccount } as const;
  if (await hasKeys(keys, node, hands))
    return isCurrent
      ? { kind: 'nothing', reason: 'nothing-differs', why: NOTHING, magnum: 'nothing' }
      : { kind: 'nothing', reason: 'goes-back', why: GOING_BACK, magnum: 'roll-back' };
  const plan = planKeys(keys, node, await unitsOf(node, hands, abort), isAtOnce ? [] : PHASES_LEFT);
  if (!isCurrent || brings === 'earlier-keys')
    return { kind: 'change', node, plan, why: GOING_BACK, magnum: 'roll-back' };
  const why = `only the service-account keys differ; ${describeNode(node)}`;
  return { kind: 'change', node, plan, why, magnum: 'keys' };
}

const NOTHING = "the node already has Magnum's CAs, the service-account keys and the version: nothing to do";

/** Magnum's rotation does not name a phase. */
const ROTATION: RotateOperation = {
  kind: 'rotate',
  phase: 'all',
  isUnnamed: true,
  serviceAccount: undefined,
  keystoneToken: undefined,
};

async function readServed(node: Node, hands: Hands, abort: AbortSignal): Promise<ServedCas> {
  const step = { code: 'read-cas', text: "read Magnum's CAs, to compare the node with them" } as const;
  return await timed(hands, step, async () => {
    const cluster = await hands.openCluster(node.params, undefined, abort);
    const reading = issueHands(cluster, undefined, hands, {
      authorities: node.layout.authorities,
      requests: [],
    });
    return await readServedCas(node, reading, hands);
  });
}

/**
 * Classifies the service-account pair. A rotation always brings a new pair. A rollback of the stack in Heat brings back
 * an earlier pair: that of a deployment, or that of the cluster's creation, which only heat-params contains. Every
 * later update repeats the last pair; it belongs to a rotation again if that rotation failed here.
 */
function keysOf(
  { serviceAccount }: MagnumUpdate,
  deployment: Deployment,
  { params }: Node,
  { ledger }: Pick<Hands, 'ledger'>,
): 'new-keys' | 'last-keys' | 'earlier-keys' {
  const earlier = ledger.earlier(deployment);
  const latest = earlier.at(-1);
  if (latest?.rotation === deployment.rotation)
    return latest.outcome?.is === 'succeeded' ? 'last-keys' : 'new-keys';
  if (earlier.some(({ rotation }) => rotation === deployment.rotation)) return 'earlier-keys';
  const creation = unescapedPem(params.get('KUBE_SERVICE_ACCOUNT_KEY') ?? '');
  if (!isSameKey(serviceAccount.publicKey, creation)) return 'new-keys';
  return latest ? 'earlier-keys' : 'last-keys';
}

function isSameKey(a: string, b: string): boolean {
  const [one, other] = [idOf(a), idOf(b)];
  return one !== undefined && one === other;
}

/** Returns the id of a public key; undefined for a text that is not a key. */
function idOf(pem: string): string | undefined {
  try {
    return keyId(createPublicKey(pem));
  } catch {
    return undefined;
  }
}

/** Adds notices to the outcome. If there is nothing to do, they are added to `why`. */
function withNotices<I extends Intention>(intention: I, more: readonly PlanNotice[]): I {
  if (more.length === 0 || intention.kind === 'run') return intention;
  if (intention.kind === 'nothing')
    return { ...intention, why: [...more.map(({ text }) => text), intention.why].join('\n') };
  const { plan } = intention;
  if (plan.kind !== 'certificates' && plan.kind !== 'keys')
    throw new AgentError('state', `a plan of the kind ${plan.kind} has no notices`);
  const stage = { ...plan.stage, notices: [...(plan.stage.notices ?? []), ...more] };
  return { ...intention, plan: { ...plan, stage } };
}
