import type { Waiting } from '../../src/base/retry.ts';
import type { CurrentWork } from '../inspection/current-work.ts';
import type { Answer } from './schemas.ts';

const isoOf = (ms: number): string => new Date(ms).toISOString();

/** Describes a wait in one line. */
export const waitingInWords = ({ what, since, until, why }: Waiting): string =>
  `${what}: retrying since ${isoOf(since)}, timeout at ${isoOf(until)}: ${why}`;

/** Converts a wait for `--json`. */
export const waitingOf = (waiting: Waiting | undefined): Answer<'status'>['waiting'] =>
  waiting ? { ...waiting, since: isoOf(waiting.since), until: isoOf(waiting.until) } : null;

/** Converts the current work for `--json`. */
export const workOf = (work: CurrentWork | undefined): Answer<'plan'>['underWay'] =>
  work
    ? {
        ...work,
        since: isoOf(work.since),
        deployments: work.deployments.map(({ id, since }) => ({ id, since: isoOf(since) })),
        waiting: waitingOf(work.waiting),
      }
    : null;

/** Describes the current work: who does it, then each part in a line. */
export function workInWords({ holder, since, deployments, runId, waiting }: CurrentWork): string[] {
  const isListed = deployments.some(({ id }) => id === runId);
  const parts = [
    ...deployments.map((one) => `deployment ${one.id} since ${isoOf(one.since)}`),
    ...(runId === null || isListed ? [] : [`the run of ${runId}`]),
  ];
  const doing = parts.length > 0 ? `: ${parts.join(', ')}` : ` since ${isoOf(since)}`;
  return [`${holder} is at work${doing}`, ...(waiting ? [waitingInWords(waiting)] : [])];
}
