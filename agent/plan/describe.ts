import { hostPort } from '../../src/base/address.ts';
import type { SignalTarget } from '../../src/deployment/deployment.ts';
import type { ShownStep } from '../progress.ts';
import type { RunStep, Step } from './step.ts';

/** A step as the terminal, the log and `agent plan` show it. */
export const showStep = (step: Step | RunStep): ShownStep => {
  const of = subjectOf(step);
  return { code: step.do, ...(of !== undefined && { of }), text: describeStep(step) };
};

/** The answer to a deployment, which follows on its plan. */
export const signalStep = ({ transport }: SignalTarget): ShownStep => ({
  code: 'signal',
  of: transport,
  text: `signal the result to Heat (${transport})`,
});

/** The one unit or user that a step is about. */
function subjectOf(step: Step | RunStep): string | undefined {
  if (step.do === 'log-in') return step.as;
  if (step.do === 'restart') return step.unitPlan.name;
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
        ? "see that the cloud's catalogue fits"
        : `see that Magnum gives them the ${step.ca} CA of this cluster`;
    case 'stage':
    case 'stage-credentials':
      return `stage the new files beside ${count(step.paths.length, 'target')}`;
    case 'stage-files':
      return `stage the new files beside ${count(step.files.length, 'target')}`;
    case 'replace':
      return 'put the new files in place';
    case 'restart': {
      const { name, probe } = step.unitPlan;
      return probe
        ? `restart ${name} and see its certificate on ${hostPort(probe.host, probe.port)}`
        : `restart ${name}`;
    }
    case 'prove-list':
      return `see ${step.list.unitPlan.name} go by ${step.list.file}`;
    case 'restart-workloads':
      return `restart the workloads of the cluster through ${hostPort(step.plan.host, step.plan.port)}`;
    case 'run':
      return `run ${step.request.what}, for at most ${step.request.timeoutMs / 1000} s`;
    case 'take-up':
      return 'wait for the end of the run that is under way';
  }
}

/** The particulars of a step, one line each. */
export function detailStep(step: Step | RunStep): string[] {
  switch (step.do) {
    case 'issue':
      return step.requests.map(({ name, ca, subject, names }) => {
        const san = names.length > 0 ? `; ${names.join(', ')}` : '';
        return `${name} (${ca} CA): ${subject.map((pair) => pair.join('=')).join(', ')}${san}`;
      });
    case 'stage':
      return [...step.paths, ...(step.notices ?? [])];
    case 'stage-files':
      return step.files.map(({ path }) => path);
    case 'prove-list': {
      const { accepted, refused } = step.list;
      return [
        ...(accepted ? [`lets ${accepted.certificate} in`] : []),
        ...(refused ? [`refuses ${refused.certificate}`] : []),
      ];
    }
    case 'stage-credentials':
      return [...step.paths, ...step.notices];
    case 'restart-workloads': {
      const { namespaces, perSecond } = step.plan;
      return [`${perSecond} a second; those of ${namespaces.join(', ')} are waited for`];
    }
    case 'log-in':
    case 'ask-cluster':
    case 'check':
    case 'compare':
    case 'replace':
    case 'restart':
    case 'take-up':
      return [];
    case 'run': {
      const names = step.request.environment.map(([name]) => name);
      return [`environment: ${names.join(' ')}`];
    }
  }
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
