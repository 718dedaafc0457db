import { hostPort } from '../../src/base/address.ts';
import type { Remark } from '../../src/base/remark.ts';
import type { CaType } from '../../src/certificates/layout.ts';
import type { SignalTarget } from '../../src/deployment/deployment.ts';
import type { ShownStep } from '../progress.ts';
import type { PlanNotice, RunStep, Step } from './step.ts';

/** Formats a step for the terminal, the log and `agent plan`. */
export const showStep = (step: Step | RunStep): ShownStep => {
  const of = subjectOf(step);
  return { code: step.do, ...(of !== undefined && { of }), text: describeStep(step) };
};

/** Describes the signal to Heat, which follows a deployment's plan. */
export const signalStep = ({ transport }: SignalTarget): Remark<'signal'> => ({
  code: 'signal',
  of: transport,
  text: `signal the result to Heat (${transport})`,
});

/** Returns the unit or user that a step concerns, if there is exactly one. */
function subjectOf(step: Step | RunStep): string | undefined {
  if (step.do === 'log-in') return step.as;
  if (step.do === 'restart' || step.do === 'stop') return step.unitPlan.name;
  return step.do === 'prove-list' ? step.list.unitPlan.name : undefined;
}

function describeStep(step: Step | RunStep): string {
  switch (step.do) {
    case 'log-in':
      return `log in to Keystone as ${step.as}`;
    case 'check':
      return `check the disk, the clock and ${count(step.units.length, 'unit')}`;
    case 'compare':
      return `compare the node's CAs and certificates with Magnum's CAs, for ${step.phase === 'renew' ? 'a renewal' : `the phase ${step.phase}`}`;
    case 'issue': {
      const { requests, authorities, algorithm } = step;
      return `get ${count(authorities.length, 'CA')} and ${count(requests.length, 'certificate')} (${algorithm}) from Magnum`;
    }
    case 'ask-cluster':
      return step.ca === undefined
        ? "check the cloud's catalogue"
        : `check that Magnum serves the ${step.ca} CA of this cluster for these credentials`;
    case 'see-cloud':
      return `check that the new CA bundle trusts Keystone at ${step.url}`;
    case 'stage':
    case 'stage-credentials':
      return `stage the new files beside ${count(step.paths.length, 'target')}`;
    case 'stage-files':
      return `stage the new files beside ${count(step.files.length, 'target')}`;
    case 'replace':
      return 'replace the old files with the new ones';
    case 'stop':
      return `stop ${step.unitPlan.name}, which needs ${step.before}`;
    case 'restart': {
      const { name, probe } = step.unitPlan;
      return probe
        ? `restart ${name} and check its certificate on ${hostPort(probe.host, probe.port)}`
        : `restart ${name}`;
    }
    case 'prove-list':
      return `prove that ${step.list.unitPlan.name} enforces ${step.list.file}`;
    case 'restart-workloads':
      return step.plan.mountsAlone === true
        ? "replace the pods that mount this node's certificates"
        : `restart the cluster's workloads through ${hostPort(step.plan.host, step.plan.port)}`;
    case 'change-objects':
      return `change the login in the Kubernetes API through ${hostPort(step.plan.host, step.plan.port)}, and replace the pods that read it`;
    case 'run':
      return `run ${step.request.what}, for at most ${step.request.timeoutMs / 1000} s`;
    case 'take-up':
      return 'wait for the running script';
  }
}

/** One detail of a step. Its fields contain the data of its text. */
export type Particular =
  | (Remark<'certificate'> & { ca: CaType; subject: string; names: readonly string[] })
  | (Remark<'workloads'> & { namespaces: readonly string[]; perSecond: number })
  | (Remark<'environment'> & { names: readonly string[] })
  | Remark<'file' | 'accepts' | 'refuses'>
  | PlanNotice;

/** A step with its particulars; `details` has their texts, one line each. */
export type DetailedStep = ShownStep & { details: readonly string[]; particulars: readonly Particular[] };

export const detailStep = (step: Step | RunStep): DetailedStep =>
  withDetails(showStep(step), particularsOf(step));

/** Describes the signal in detail; it has no particulars. */
export const detailSignal = (target: SignalTarget): DetailedStep => withDetails(signalStep(target), []);

const withDetails = (step: ShownStep, particulars: readonly Particular[]): DetailedStep => ({
  ...step,
  details: particulars.flatMap(({ text }) => text.split('\n')),
  particulars,
});

function particularsOf(step: Step | RunStep): Particular[] {
  switch (step.do) {
    case 'issue':
      return step.requests.map(({ name, ca, subject: pairs, names }) => {
        const subject = pairs.map((pair) => pair.join('=')).join(', ');
        const san = names.length > 0 ? `; ${names.join(', ')}` : '';
        return {
          code: 'certificate',
          of: name,
          ca,
          subject,
          names,
          text: `${name} (${ca} CA): ${subject}${san}`,
        };
      });
    case 'stage':
      return [...step.paths.map(fileOf), ...(step.notices ?? [])];
    case 'stage-files':
      return step.files.map(({ path }) => fileOf(path));
    case 'prove-list': {
      const [accepted, refused] = [step.list.accepted?.certificate, step.list.refused?.certificate];
      return [
        ...(accepted === undefined
          ? []
          : [{ code: 'accepts', of: accepted, text: `accepts ${accepted}` } as const]),
        ...(refused === undefined
          ? []
          : [{ code: 'refuses', of: refused, text: `refuses ${refused}` } as const]),
      ];
    }
    case 'stage-credentials':
      return [...step.paths.map(fileOf), ...step.notices];
    case 'restart-workloads': {
      const { namespaces, perSecond } = step.plan;
      const text = `${perSecond} per second; waits for those of ${namespaces.join(', ')}`;
      return [{ code: 'workloads', namespaces, perSecond, text }];
    }
    case 'log-in':
    case 'see-cloud':
    case 'ask-cluster':
    case 'check':
    case 'compare':
    case 'replace':
    case 'stop':
    case 'restart':
    case 'take-up':
    case 'change-objects':
      return [];
    case 'run': {
      const names = step.request.environment.map(([name]) => name);
      return [{ code: 'environment', names, text: `environment: ${names.join(' ')}` }];
    }
  }
}

const fileOf = (path: string): Particular => ({ code: 'file', of: path, text: path });

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
