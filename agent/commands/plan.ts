import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import type { Role } from '../../src/certificates/layout.ts';
import type { Deployment } from '../../src/deployment/deployment.ts';
import { overtakenOf, pendingOf } from '../../src/deployment/pending.ts';
import type { Said } from '../../src/metadata/decode.ts';
import { selectOperation } from '../../src/operation/operation.ts';
import { collect, understand } from '../pass/collect.ts';
import { EXIT, exitCodeOf } from './exit-code.ts';
import { asConfigured } from '../config.ts';
import type { Hands } from '../hands.ts';
import { watchSignals } from '../lifecycle.ts';
import { type DetailedStep, detailSignal, detailStep } from '../plan/describe.ts';
import { stepsOf } from '../plan/plan.ts';
import type { Intention, MagnumAsks } from '../plan/intention.ts';
import type { RunStep, Step } from '../plan/step.ts';
import type { Difference } from '../inspection/differences.ts';
import { describeNode, readNode } from '../node.ts';
import { rotationState } from '../inspection/rotation-state.ts';
import { holderOf } from '../../src/base/lock.ts';
import { findCurrentWork } from '../inspection/current-work.ts';
import { findInterrupted, isStuck } from '../inspection/interrupted.ts';
import { forcedBy } from '../pass.ts';
import { intend } from '../pass/intend.ts';
import { compareNow } from './compare.ts';
import { workInWords, workOf } from './current-work.ts';
import { createTerminal } from './terminal.ts';
import { problemOf, writeJson } from './json-answer.ts';
import { lockPathOf, openHands, readMetadataOption, textOption, type Verb } from './verb.ts';

const VERDICTS = {
  planned: 'would be done',
  refused: 'would be refused',
  unserved: 'would be ignored',
} as const;

/** The planned work of one deployment. */
type Entry = {
  id: string;
  group: string;
  resource: string;
  verdict: keyof typeof VERDICTS;
  isUnderWay: boolean;
  why: string;
  /** The code of `why`. */
  code: string;
  /** Fields of an entry that changes the node. */
  layout?: string;
  role?: Role;
  /** Why it would be rejected. */
  error?: { code: string; reason: string | undefined };
  /** The request of Magnum's own deployment, if it is one. */
  magnum?: MagnumAsks;
  /** The limits of this layout. */
  limits: readonly string[];
  limitCodes: readonly string[];
  steps: readonly DetailedStep[];
};

/** Shows the work of the next pass from the data that a pass uses. Changes nothing. */
export const verb: Verb = async (context, options) => {
  const hands = await openHands(context, () => undefined);
  try {
    const { stopping } = watchSignals();
    const metadata = await readMetadataOption(options);
    const { texts, problems: unanswered } = metadata
      ? { texts: [metadata], problems: [] }
      : await collect(hands, stopping);
    const { deployments, said, problems } = understand(texts, unanswered, hands);
    const force = forcedBy({ force: textOption(options, 'force') }, { deployments, problems });
    const holder = await holderOf(lockPathOf(context));
    const interrupted = await findInterrupted(hands, holder);
    const underWay = await findCurrentWork(hands, holder);
    const due = pendingOf(deployments, hands.ledger, force);
    const entries = await Promise.all(
      due.map(async (deployment) => ({
        ...(await describe(deployment, said, hands, stopping)),
        isUnderWay: underWay?.deployments.some(({ id }) => id === deployment.id) === true,
      })),
    );
    const done = deployments.filter(({ id }) => !due.some((deployment) => deployment.id === id));

    const rotation = await rotationState(hands);
    const { layout, differences } = await lookNow(hands, stopping);
    if (context.json)
      writeJson(context, 'plan', {
        rotation,
        interrupted: interrupted ?? null,
        underWay: workOf(underWay),
        differences,
        deployments: entries,
        done: done.map(({ id }) => id),
        problems: problems.map(problemOf),
      });
    else {
      const { line, paint } = createTerminal(context.world.stdout, context.secrets);
      line(`configuration: ${hands.config.sources.join(', ')}`);
      // A deployment's own lines name it.
      if (layout !== undefined && entries.every((entry) => entry.layout === undefined)) line(layout);
      for (const text of underWay ? workInWords(underWay) : []) line(`${paint('cyan', '…')} ${text}`);
      if (interrupted && !interrupted.isUnderWay) line(`${paint('yellow', '!')} ${interrupted.text}`);
      for (const { severity, text } of differences)
        line(`${severity === 'critical' ? paint('red', '✗') : paint('yellow', '!')} ${text}`);
      for (const { message } of rotation.notes) line(`${paint('yellow', '!')} ${message}`);
      for (const problem of problems) line(`${paint('red', '✗')} ${explain(problem)}`);
      const stale = new Map(overtakenOf(done, hands.ledger).map(({ id, by }) => [id, by]));
      for (const { id } of done) {
        const by = stale.get(id);
        const why = by === undefined ? 'done already' : `ignored, older than ${by}`;
        line(paint('dim', `deployment ${id}: ${why}`));
      }
      for (const entry of entries) {
        const verdict = entry.isUnderWay
          ? 'under way'
          : `${VERDICTS[entry.verdict]}${underWay && entry.verdict === 'planned' ? ' next' : ''}`;
        line(`${paint('bold', `deployment ${entry.id}`)}  ${entry.group}, ${entry.resource}: ${verdict}`);
        line(`  ${entry.why}`);
        for (const limit of entry.limits) line(`  ${paint('yellow', '!')} ${limit}`);
        for (const [index, { text, details }] of entry.steps.entries()) {
          line(`  ${index + 1}. ${text}`);
          for (const detail of details) line(paint('dim', `       ${detail}`));
        }
      }
      const isWrong = differences.some(({ severity }) => severity === 'critical');
      if (entries.length === 0 && problems.length === 0 && !interrupted)
        line(
          isWrong
            ? 'no deployment is pending; next: agent doctor'
            : underWay
              ? 'no deployment is pending'
              : 'nothing to do',
        );
    }
    const [problem] = problems;
    if (problem) return exitCodeOf(problem);
    return isStuck(interrupted) ? EXIT.deploymentFailed : EXIT.done;
  } finally {
    hands.close();
  }
};

type Look = { layout?: string; differences: readonly Difference[] };

/** Looks at the node; at nothing if it is not set up yet or has unreadable files: `agent certs` reports those. */
async function lookNow(hands: Hands, stopping: AbortSignal): Promise<Look> {
  try {
    const node = await readNode(hands);
    const differences = (await compareNow(node, false, hands, stopping)) ?? [];
    return { layout: `${describeNode(node)}: ${node.chosen.layout.description}`, differences };
  } catch (error) {
    if (codeOf(error) !== 'bad-heat-params') throw error;
    return { differences: [] };
  }
}

async function describe(
  deployment: Deployment,
  said: readonly Said[],
  hands: Hands,
  stopping: AbortSignal,
): Promise<Omit<Entry, 'isUnderWay'>> {
  const { id, group, resource, signal } = deployment;
  const operation = selectOperation(deployment, hands.ledger.earlier(deployment), asConfigured(hands.config));
  const nothing = { id, group, resource, limits: [], limitCodes: [], steps: [] };
  try {
    if (deployment.fault) throw deployment.fault;
    const intention = operation && (await intend(operation, deployment, said, impatient(hands), stopping));
    if (!intention)
      return { ...nothing, verdict: 'unserved', code: 'no-hook', why: 'this node has no hook for its group' };
    const { why } = intention;
    const steps = stepsOfIntention(intention);
    const limits = intention.kind === 'change' ? intention.node.chosen.layout.limits : [];
    const told = steps.map(detailStep);
    return {
      id,
      group,
      resource,
      verdict: 'planned',
      why,
      code: codeOfIntention(intention),
      ...(intention.kind === 'change' && {
        layout: intention.node.chosen.layout.name,
        role: intention.node.role,
      }),
      ...(intention.magnum && { magnum: intention.magnum }),
      limits: limits.map(({ text }) => text),
      limitCodes: limits.map(({ code }) => code),
      steps: [...told, detailSignal(signal)],
    };
  } catch (error) {
    const { code, reason } = error instanceof AgentError ? error : { code: 'internal', reason: undefined };
    return { ...nothing, verdict: 'refused', why: explain(error), code, error: { code, reason } };
  }
}

/** Makes the first answer of the cloud final, because a person is waiting. */
const impatient = (hands: Hands): Hands => ({
  ...hands,
  openCluster: async (params, token, abort) =>
    await hands.openCluster(params, token, abort, { patient: false }),
});

function codeOfIntention(intention: Intention): string {
  switch (intention.kind) {
    case 'change':
      return 'change';
    case 'run':
      return intention.run.do;
    case 'nothing':
      return intention.reason;
  }
}

function stepsOfIntention(intention: Intention): readonly (Step | RunStep)[] {
  switch (intention.kind) {
    case 'change':
      return stepsOf(intention.plan);
    case 'run':
      return [intention.run];
    case 'nothing':
      return [];
  }
}
