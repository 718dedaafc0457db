import { AgentError, codeOf } from '../../src/base/errors.ts';
import type { Deployment, Outcome } from '../../src/deployment/deployment.ts';
import type { Said } from '../../src/metadata/decode.ts';
import { type Operation, selectOperation } from '../../src/operation/operation.ts';
import { finish, finishRun, forgetRun } from './finish.ts';
import { auditBegin } from '../audit.ts';
import { asConfigured } from '../config.ts';
import type { Hands } from '../hands.ts';
import type { Intention } from '../plan/intention.ts';
import { outcomeOf } from '../execution/ended.ts';
import { intend } from './intend.ts';
import { failed, succeeded } from '../../src/deployment/outcome.ts';

/**
 * Carries out one deployment and records its outcome. Each state is on disk before the next step starts.
 *
 * @param said the metadata of the pass
 * @returns undefined when the deployment is not for this program
 * @throws `aborted` when the program must stop; the deployment stays *started* and is resumed
 */
export async function settle(
  deployment: Deployment,
  said: readonly Said[],
  hands: Hands,
  abort: AbortSignal,
): Promise<Outcome | undefined> {
  const operation = selectOperation(deployment, hands.ledger.earlier(deployment), asConfigured(hands.config));
  const intention = operation && (await orRefusal(intend(operation, deployment, said, hands, abort)));
  if (!intention) return undefined;
  const { id, group, action, resource } = deployment;
  const asks = asksForRotation(operation, intention) ? 'rotation' : undefined;
  const text = [group, action, resource].filter(Boolean).join(', ');
  hands.progress({ event: 'deployment', id, text, asks });
  const again = async (): Promise<Begun | undefined> =>
    await orRefusal(intend(operation, deployment, said, hands, abort));
  const outcome =
    (await begin(deployment, intention, hands)) ?? (await attempt(intention, id, again, hands, abort));
  const told = await (replacesFiles(operation) ? finish : finishRun)(id, outcome, hands, asks);
  // A run of this deployment upgraded the node before files were replaced.
  if (operation.kind === 'magnum-update') await forgetRun(id, hands);
  return told;
}

/** Records the start of the work. @returns the outcome if the work must not start */
async function begin(deployment: Deployment, intention: Begun, hands: Hands): Promise<Outcome | undefined> {
  const { ledger } = hands;
  const { id, fault } = deployment;
  const lost = ledger.damaged(id);
  const entry = ledger.find(id);
  const begun = entry?.state === 'started' ? (entry.begun ?? 1) : 0;
  if (begun === 0) await ledger.accept(deployment);
  // A script is started once. Later passes only wait for it.
  const isRun = intention.kind === 'run';
  if (begun >= MOST_BEGUN && !isRun)
    return failed(
      new AgentError(
        'state',
        `started ${begun} times, and interrupted each time: it is not started again; to retry, create a new deployment`,
        { reason: 'begun-too-often' },
      ),
    );
  if (begun === 0 || !isRun) {
    await ledger.start(id);
    await auditBegin(id, hands);
  }
  return lost ? failed(LOST) : fault && failed(fault);
}

/** Limit of starts: a deployment that kills the agent must not do so forever. */
const MOST_BEGUN = 5;

const asksForRotation = ({ kind }: Operation, intention: Begun): boolean =>
  kind === 'rotate' || ('magnum' in intention && intention.magnum === 'rotation');

const replacesFiles = ({ kind }: Operation): boolean =>
  ['rotate', 'go-back', 'rebuild', 'revoke', 'credentials', 'magnum-update'].includes(kind);

const LOST = new AgentError(
  'state',
  "this node's record of the deployment is damaged, so its outcome is unknown: it is not run again; to retry, create a new deployment",
  { reason: 'record-damaged' },
);

/** An intention, or the error that replaces it. */
type Begun = Intention | { kind: 'refused'; outcome: Outcome };

/** Converts an error before the operation starts into its outcome. @throws `aborted` */
async function orRefusal(intended: Promise<Intention | undefined>): Promise<Begun | undefined> {
  try {
    return await intended;
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    return { kind: 'refused', outcome: failed(error) };
  }
}

async function attempt(
  intention: Begun,
  id: string,
  again: () => Promise<Begun | undefined>,
  hands: Hands,
  abort: AbortSignal,
): Promise<Outcome> {
  try {
    switch (intention.kind) {
      case 'refused':
        return intention.outcome;
      case 'nothing':
        return succeeded(`${intention.why}\n`);
      // Modules of rotations and scripts are loaded on first use, which keeps an idle daemon small.
      case 'run': {
        const { carryOutRun } = await import('../execution/perform-run.ts');
        const outcome = await carryOutRun(id, intention.run, hands, abort);
        if (!intention.continues || outcome.is === 'failed') return outcome;
        const next = await again();
        return next ? await attempt(next, id, again, hands, abort) : outcome;
      }
      case 'change': {
        const { node, plan } = intention;
        const { perform } = await import('../execution/perform.ts');
        if (plan.kind === 'certificates' && plan.stage.certificates === 'retire') {
          const { seeOldCaUsersBeforeRetire } = await import('../peers/see-old-ca-users.ts');
          await seeOldCaUsersBeforeRetire(node, hands, abort);
        }
        const { inTurn } = await import('../peers/in-turn.ts');
        return await inTurn(node, hands, abort, async (beforeRestart) =>
          outcomeOf(await perform(plan, { runId: id, hands, abort, beforeRestart })),
        );
      }
    }
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    // A running script has not ended, even if its state cannot be read. The next pass looks again.
    if (intention.kind === 'run' && (await hands.runs.runs.look(id)).is === 'running') throw error;
    return failed(error);
  }
}
