import type { ListPlan } from '../../src/services/list.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { ObjectsPlan, WorkloadsPlan } from '../../src/services/workloads.ts';
import type { Node } from '../node.ts';
import { restartsOf, type Step, type StepOf, stepsOfTail } from './step.ts';

/**
 * The work to do, as data. Each kind lists its steps, so that no step can be missing or precede a step that it depends
 * on. execution/prepare.ts and execution/apply.ts carry them out.
 */
export type Plan = CertificatesPlan | KeysPlan | CredentialsPlan | ListsPlan | KeptPlan | RestartPlan;

/** Plans that replace files. */
export type FilesPlan = Exclude<Plan, RestartPlan>;

/** New certificates, or a phase of a CA rotation. */
export type CertificatesPlan = {
  kind: 'certificates';
  node: Node;
  logIn: StepOf<'log-in'>;
  check: StepOf<'check'>;
  /** The CAs come from the comparison, if a phase requires one. Leaves are issued if the plan replaces them. */
  material:
    | { compare: StepOf<'compare'>; issue?: StepOf<'issue'> | undefined }
    | { compare?: undefined; issue: StepOf<'issue'> };
  stage: StepOf<'stage'>;
};

/** Plan that replaces only service-account keys: by earlier ones, or by fewer. */
export type KeysPlan = { kind: 'keys'; node: Node; check: StepOf<'check'>; stage: StepOf<'stage'> };

export type CredentialsPlan = {
  kind: 'credentials';
  node: Node;
  /** Replacing only the CA bundle needs no login: a login might need the new bundle. */
  login: { logIn: StepOf<'log-in'>; askCluster: StepOf<'ask-cluster'> } | undefined;
  seeCloud: StepOf<'see-cloud'> | undefined;
  check: StepOf<'check'>;
  stage: StepOf<'stage-credentials'>;
};

/** Lists of revoked certificates. */
export type ListsPlan = { kind: 'lists'; check: StepOf<'check'>; stage: StepOf<'stage-files'> };

/** The files of a generation that was replaced earlier. No certificate is issued. */
export type KeptPlan = { kind: 'kept'; check: StepOf<'check'>; stage: StepOf<'stage-files'> };

/** A plan without new files: restarts units and proves them with the node's present certificates. */
export type RestartPlan = { kind: 'restart'; check: StepOf<'check'>; units: readonly UnitPlan[] };

/** The steps after staging, or the remaining ones after an interruption. */
export type Tail =
  | {
      from: 'replace';
      units: readonly UnitPlan[];
      lists: readonly ListPlan[];
      workloads: WorkloadsPlan | undefined;
      objects?: ObjectsPlan | undefined;
    }
  /** Every unit has been proven. */
  | {
      from: 'workloads';
      workloads: WorkloadsPlan | undefined;
      objects?: ObjectsPlan | undefined;
    };

/** Lists the steps of a plan in order. */
export function stepsOf(plan: Plan): Step[] {
  switch (plan.kind) {
    case 'certificates': {
      const { logIn, check, material, stage } = plan;
      const { compare, issue } = material;
      const made = [...(compare ? [compare] : []), ...(issue ? [issue] : [])];
      return [logIn, check, ...made, stage, ...stepsOfTail(stage.units, [], stage.workloads)];
    }
    case 'keys':
      return [plan.check, plan.stage, ...stepsOfTail(plan.stage.units)];
    case 'credentials': {
      const { login, seeCloud, check, stage } = plan;
      const { units, objects } = stage;
      const changeObjects: Step[] = objects ? [{ do: 'change-objects', plan: objects }] : [];
      const before = [...(seeCloud ? [seeCloud] : []), ...(login ? [login.logIn, login.askCluster] : [])];
      return [...before, check, stage, ...stepsOfTail(units), ...changeObjects];
    }
    case 'kept':
    case 'lists':
      return [plan.check, plan.stage, ...stepsOfTail(plan.stage.units, plan.stage.lists)];
    case 'restart':
      return [plan.check, ...restartsOf(plan.units)];
  }
}

export const planRestart = (units: readonly UnitPlan[]): RestartPlan => ({
  kind: 'restart',
  check: { do: 'check', paths: [], units },
  units,
});
