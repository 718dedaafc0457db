import { unescapedPem } from '../base/pem.ts';
import type { Deployment } from '../deployment/deployment.ts';
import { partOf } from './component.ts';
import { type CredentialsOperation, selectCredentials } from './credentials.ts';
import { notAFlag, selectFlag } from './flag.ts';
import { type MagnumCreation, type MagnumUpdate, selectMagnum } from './magnum-deployment.ts';
import { type Phase, selectPhase } from './phase.ts';
import { type RefuseOperation, refuse } from './refuse.ts';
import { type RestartOperation, selectRestart } from './restart.ts';
import { type RevokeOperation, selectRevoke } from './revoke.ts';
import { type RunOperation, selectRun } from './run.ts';

/** What a deployment means, decoded: the rest of the program never looks at its inputs again. */
export type Operation =
  | RotateOperation
  | GoBackOperation
  | RestartOperation
  | RebuildOperation
  | RevokeOperation
  | CredentialsOperation
  | RunOperation
  | MagnumUpdate
  | MagnumCreation
  | NoOperation
  | RefuseOperation;

/** PEM; one of them is empty when only the other was sent, which is refused where there are such keys. */
type ServiceAccount = { publicKey: string; privateKey: string };

export type RotateOperation = {
  kind: 'rotate';
  phase: Phase;
  /** Neither the deployment nor the node's configuration names the phase: it is the one that fits the cluster. */
  isUnnamed?: true;
  /** The new service-account key pair (PEM), when the rotation brings one. */
  serviceAccount: ServiceAccount | undefined;
  /** A token to use in place of the node's trust. */
  keystoneToken: string | undefined;
  /** Whether the cluster's workloads are restarted too; undefined: as the node is configured. */
  restartWorkloads?: boolean | undefined;
  /** How long former service-account keys stay accepted; undefined: as the node is configured. */
  graceSeconds?: number | undefined;
};

/**
 * Heat rolls a stack back after a failure anywhere in it, and hands the servers the inputs of before with a new
 * id. That asks for no new certificates (Magnum has no old CA to sign with), only for the keys of then.
 */
export type GoBackOperation = Pick<RotateOperation, 'phase' | 'serviceAccount'> & { kind: 'go-back' };

/** New certificates and nothing special. */
export const ROTATE_ALL: RotateOperation = {
  kind: 'rotate',
  phase: 'all',
  serviceAccount: undefined,
  keystoneToken: undefined,
};

/** Every file of the layout anew, with the same CA. */
export type RebuildOperation = { kind: 'rebuild' };

/** Answered as done: a node that is deleted or suspended needs no certificates. */
export type NoOperation = { kind: 'none'; reason: IdleReason; why: string };

export type IdleReason = 'action-asks-nothing' | 'goes-back' | 'no-credentials-named';

/** What a deployment of the same resource asked for earlier, oldest first. */
export type Earlier = Pick<Deployment, 'asks' | 'rotation'>;

/** What a node is configured for. */
export type Settings = {
  /** The phase of a rotation that names none. */
  phase?: Phase | undefined;
  /** Whether Magnum's own deployments are understood, or are scripts like any other. */
  magnum?: 'native' | 'script';
};

/** How the deployments of one group become operations. */
type Select = (deployment: Deployment, earlier: readonly Earlier[], usual: Phase | undefined) => Operation;

/** The actions of a stack that ask for something to be done; a node that is deleted or suspended needs nothing. */
const ASKING = ['CREATE', 'UPDATE', ''];

/** The agent's own groups. */
const groups: Readonly<Record<string, Select>> = {
  'coe-rotate': (deployment, earlier, usual) => {
    if (!ASKING.includes(deployment.action))
      return {
        kind: 'none',
        reason: 'action-asks-nothing',
        why: `the action ${deployment.action} asks for no certificates`,
      };
    const rotate = selectRotate(deployment.inputs, usual);
    if (rotate.kind === 'refuse') return rotate;
    const { phase, serviceAccount } = rotate;
    return goesBack(deployment, phase, earlier) ? { kind: 'go-back', phase, serviceAccount } : rotate;
  },
  'coe-restart': ({ action, inputs }) => {
    if (!ASKING.includes(action))
      return { kind: 'none', reason: 'action-asks-nothing', why: `the action ${action} asks for no restart` };
    return selectRestart(inputs);
  },
  'coe-rebuild': (deployment, earlier) => {
    const { action } = deployment;
    if (!ASKING.includes(action))
      return { kind: 'none', reason: 'action-asks-nothing', why: `the action ${action} asks for no repair` };
    return bringsEarlier(deployment, earlier)
      ? { kind: 'none', reason: 'goes-back', why: NOT_REBUILT }
      : { kind: 'rebuild' };
  },
  'coe-revoke': (deployment, earlier) => {
    const { action, inputs } = deployment;
    if (!ASKING.includes(action))
      return { kind: 'none', reason: 'action-asks-nothing', why: `the action ${action} revokes nothing` };
    if (bringsEarlier(deployment, earlier))
      return { kind: 'none', reason: 'goes-back', why: NEVER_TAKEN_BACK };
    return selectRevoke(inputs);
  },
  'coe-credentials': ({ action, inputs, asks }, earlier) => {
    if (!ASKING.includes(action))
      return {
        kind: 'none',
        reason: 'action-asks-nothing',
        why: `the action ${action} asks for no credentials`,
      };
    // A stack that is made before there is anything to say, or goes back to then; to earlier credentials it goes back
    // like to any others.
    if (asks === '' && (action === 'CREATE' || earlier.length > 0))
      return {
        kind: 'none',
        reason: 'no-credentials-named',
        why: 'Heat names no credentials: the node keeps those that it has',
      };
    return selectCredentials(inputs);
  },
};

const NOT_REBUILT = 'Heat goes back to earlier inputs: the node keeps the certificates that it has';

const NEVER_TAKEN_BACK =
  'Heat goes back to an earlier list of revoked certificates: what is revoked stays so, the node keeps the list that it has';

/**
 * The operation that a deployment asks for; undefined when it names no group. Whether the node has a hook for a
 * group that is not the agent's own is seen when it is to be run.
 *
 * @param earlier what this node has done for the same resource, oldest first
 */
export function selectOperation(
  deployment: Deployment,
  earlier: readonly Earlier[],
  settings: Settings = {},
): Operation | undefined {
  if (deployment.group !== 'component') return selectByGroup(deployment, earlier, settings);
  const part = partOf(deployment);
  if (part && 'kind' in part) return part;
  if (part) return selectByGroup(part, earlier, settings);
  return {
    kind: 'none',
    reason: 'action-asks-nothing',
    why: `the component asks for nothing when the action is ${deployment.action}`,
  };
}

function selectByGroup(
  deployment: Deployment,
  earlier: readonly Earlier[],
  { phase, magnum = 'native' }: Settings,
): Operation | undefined {
  const own = Object.hasOwn(groups, deployment.group) ? groups[deployment.group] : undefined;
  if (own) return own(deployment, earlier, phase);
  const stock = magnum === 'native' ? selectMagnum(deployment) : undefined;
  if (stock) return stock;
  return selectRun(deployment);
}

/**
 * A rotation always brings inputs that were never there before; a roll-back brings older ones, or none. The phases of
 * one rotation are another matter: each is a state of the node, and asking for one that it has comes to nothing. So they
 * may come in any order, be asked for again after a failure or be rolled back, and mean the same each time.
 */
function goesBack(deployment: Deployment, phase: Phase, earlier: readonly Earlier[]): boolean {
  if (phase !== 'all' && earlier.at(-1)?.rotation === deployment.rotation) return false;
  return bringsEarlier(deployment, earlier);
}

/** Whether the inputs are those of before, or none where there were some. */
function bringsEarlier({ asks }: Deployment, earlier: readonly Earlier[]): boolean {
  const latest = earlier.at(-1);
  if (!latest || latest.asks === asks) return false;
  return asks === '' || earlier.some((one) => one.asks === asks);
}

function selectRotate(
  inputs: Deployment['inputs'],
  usual: Phase | undefined,
): RotateOperation | RefuseOperation {
  const selected = selectPhase(inputs['phase'], usual ?? 'all');
  if ('kind' in selected) return selected;
  const publicKey = pemInput(inputs['kube_service_account_key_input']);
  const privateKey = pemInput(inputs['kube_service_account_private_key_input']);
  const token = inputs['keystone_token'];
  const restartWorkloads = selectFlag(inputs['restart_workloads'], 'as configured');
  if (restartWorkloads === undefined) return notAFlag('restart_workloads');
  const grace = selectSeconds(inputs['service_account_grace_seconds']);
  if (grace === undefined)
    return refuse('input-not-a-number', 'the input service_account_grace_seconds is no number of seconds');
  return {
    kind: 'rotate',
    phase: selected.phase,
    ...(usual === undefined && isEmpty(inputs['phase']) && { isUnnamed: true }),
    serviceAccount: publicKey + privateKey === '' ? undefined : { publicKey, privateKey },
    keystoneToken: typeof token === 'string' && token !== '' ? token : undefined,
    ...(restartWorkloads !== 'as configured' && { restartWorkloads }),
    ...(grace !== 'as configured' && { graceSeconds: grace }),
  };
}

const isEmpty = (value: unknown): boolean => value === undefined || value === null || value === '';

/** Heat's numbers come as numbers or as text. */
function selectSeconds(value: unknown): number | 'as configured' | undefined {
  if (isEmpty(value)) return 'as configured';
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

const pemInput = (value: unknown): string => (typeof value === 'string' ? unescapedPem(value) : '');
