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

/** The decoded meaning of a deployment: later stages do not read its inputs. */
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

/** PEM. If only one was sent, the other is empty, which is rejected on nodes with such keys. */
type ServiceAccount = { publicKey: string; privateKey: string };

export type RotateOperation = {
  kind: 'rotate';
  phase: Phase;
  /** Neither the deployment nor the configuration names the phase: the one that fits the cluster is used. */
  isUnnamed?: true;
  /** The new service-account key pair (PEM), if the rotation brings one. */
  serviceAccount: ServiceAccount | undefined;
  /** A token to use instead of the node's trust. */
  keystoneToken: string | undefined;
  /** Whether to restart the cluster's workloads too; undefined: as configured. */
  restartWorkloads?: boolean | undefined;
  /** How long former service-account keys stay accepted; undefined: as configured. */
  graceSeconds?: number | undefined;
};

/**
 * After a failure anywhere in a stack, Heat rolls it back and sends the servers the former inputs with a new id. This
 * requests no new certificates, because Magnum no longer has the old CA; it requests only the former keys.
 */
export type GoBackOperation = Pick<RotateOperation, 'phase' | 'serviceAccount'> & { kind: 'go-back' };

/** New certificates, with no further inputs. */
export const ROTATE_ALL: RotateOperation = {
  kind: 'rotate',
  phase: 'all',
  serviceAccount: undefined,
  keystoneToken: undefined,
};

/** Writes every file of the layout again, with the same CA. */
export type RebuildOperation = { kind: 'rebuild' };

/** Nothing to do; answered as success: a deleted or suspended node needs no certificates. */
export type NoOperation = { kind: 'none'; reason: IdleReason; why: string };

export type IdleReason = 'action-asks-nothing' | 'goes-back' | 'no-credentials-named' | 'only-reports';

/** The requests of earlier deployments of the same resource, oldest first. */
export type Earlier = Pick<Deployment, 'asks' | 'rotation'>;

/** The node's configuration. */
export type Settings = {
  /** The phase of a rotation that names none. */
  phase?: Phase | undefined;
  /** Whether Magnum's own deployments are interpreted, or run like any script. */
  magnum?: 'native' | 'script';
};

/** Decodes the deployments of one group. */
type Select = (deployment: Deployment, earlier: readonly Earlier[], usual: Phase | undefined) => Operation;

/** The stack actions that request work; a deleted or suspended node needs none. */
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
    // No credentials are named when a stack is created before there are any, or is rolled back to that state. A
    // roll-back to earlier credentials is applied like any others.
    if (asks === '' && (action === 'CREATE' || earlier.length > 0))
      return {
        kind: 'none',
        reason: 'no-credentials-named',
        why: 'Heat names no credentials: the node keeps its own',
      };
    return selectCredentials(inputs);
  },
  // The answer to any deployment has the report, if the deployment declares that output.
  'coe-report': () => ({
    kind: 'none',
    reason: 'only-reports',
    why: 'the deployment asks only for the report of this node',
  }),
};

const NOT_REBUILT = 'Heat rolls back to earlier inputs: the node keeps its certificates';

const NEVER_TAKEN_BACK =
  'Heat rolls back to an earlier revocation list: the node keeps its list, and revoked certificates stay revoked';

/**
 * Decodes the operation that a deployment requests; undefined if it names no group. Whether the node has a hook for a
 * foreign group is checked when it is run.
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
 * A rotation always brings new inputs; a roll-back brings earlier ones, or none. Phases of one rotation differ: each is
 * a state of the node, and requesting the present state does nothing. So phases may come in any order, be repeated
 * after a failure or be rolled back, and mean the same each time.
 */
function goesBack(deployment: Deployment, phase: Phase, earlier: readonly Earlier[]): boolean {
  if (phase !== 'all' && earlier.at(-1)?.rotation === deployment.rotation) return false;
  return bringsEarlier(deployment, earlier);
}

/** Whether the inputs equal earlier ones, or are empty where there were some. */
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
    return refuse('input-not-a-number', 'the input service_account_grace_seconds is not a number of seconds');
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

/** Parses seconds; Heat sends numbers as numbers or as text. */
function selectSeconds(value: unknown): number | 'as configured' | undefined {
  if (isEmpty(value)) return 'as configured';
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

const pemInput = (value: unknown): string => (typeof value === 'string' ? unescapedPem(value) : '');
