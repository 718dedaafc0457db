import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import type { Outcome } from '../../src/deployment/deployment.ts';
import type { Journal } from '../../src/files/journal.ts';
import { mayGoByItself } from '../config.ts';
import { outcomeOf } from '../execution/ended.ts';
import { rollBack } from '../execution/roll-back.ts';
import type { Hands } from '../hands.ts';
import { type SeenKept, seeKept } from '../inspection/kept-generations.ts';
import { readNode } from '../node.ts';
import { finish } from '../pass/finish.ts';
import { endInterrupted } from '../pass/recover.ts';
import { resumeInTurn } from '../peers/in-turn.ts';
import { readOrders, writeOrders } from '../phases/record.ts';
import { unitsOf } from '../plan/units.ts';
import { planKept } from '../rotation/plan-kept.ts';
import { carryOutInTurn, turnAsAsked } from './carry-out.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { outputsAs, writeJson } from './json-answer.ts';
import { Changed } from './schemas/parts.ts';
import { createTerminal, type Terminal } from './terminal.ts';
import { type Context, onLockedNode, openHands, textOption, type Verb } from './verb.ts';

/** The run id of this verb's generation in the journal. */
const RUN_ID = 'rollback';

/** How long further phases are held after a rollback. */
const HOLD_MS = 24 * 3_600_000;

/** Restores replaced files: of an interrupted or stuck run, otherwise of a kept generation. */
export const verb: Verb = async (context, options) => {
  const terminal = createTerminal(context.world.stdout, context.secrets);
  if (options['list'] === true) return await list(context, terminal);
  const progress = context.json ? () => undefined : terminal.progress;
  return await onLockedNode(context, RUN_ID, progress, async (all, stopping) => {
    const hands = turnAsAsked(all, options);
    const to = textOption(options, 'to');
    // A staged generation has not replaced any file. There may be a stuck one below it.
    if ((await hands.generations.current())?.state === 'staging') await hands.generations.clear();
    const interrupted = await hands.generations.current();
    const isOwn = interrupted?.runId === RUN_ID && interrupted.state !== 'stuck';
    if (isOwn || interrupted?.state === 'ended') {
      // An interrupted rollback is completed, not undone.
      const ended = await endInterrupted(hands, stopping);
      if (isOwn && ended) return tell(ended.outcome, {}, context, terminal);
    }
    const journal = await hands.generations.current();
    if (!journal) return await goBackTo(to, options['formerCa'] === true, context, terminal, hands, stopping);
    if (to === undefined) return await undoRun(journal, context, terminal, hands, stopping);
    throw new AgentError(
      'precondition',
      `the run of ${journal.runId} is interrupted or stuck: roll it back first, with "agent rollback" and no option`,
      { reason: 'under-way' },
    );
  });
};

async function undoRun(
  journal: Journal,
  context: Context,
  terminal: Terminal,
  hands: Hands,
  abort: AbortSignal,
): Promise<ExitCode> {
  const cause = new AgentError('unit', 'an operator has requested a rollback');
  const ended = await resumeInTurn(
    hands,
    abort,
    async (beforeRestart) => await rollBack(cause, { ...journal, state: 'committed' }, hands, beforeRestart),
  );
  await finish(journal.runId, outcomeOf(ended), hands);
  const isStuck = ended.node === 'stuck';
  if (context.json)
    writeJson(context, 'rollback', {
      rolledBack: !isStuck,
      reason: isStuck ? 'stuck' : undefined,
      why: explain(ended.error),
      code: codeOf(ended.error),
    });
  else terminal.line(explain(ended.error));
  return isStuck ? EXIT.deploymentFailed : EXIT.done;
}

async function goBackTo(
  id: string | undefined,
  mayTrustFormerCa: boolean,
  context: Context,
  terminal: Terminal,
  hands: Hands,
  abort: AbortSignal,
): Promise<ExitCode> {
  const node = await readNode(hands);
  const chosen = choose(await seeKept(node, hands), id);
  if (!chosen) {
    if (context.json) writeJson(context, 'rollback', { rolledBack: false, reason: 'nothing-to-roll-back' });
    else
      terminal.line(
        'there is nothing to roll back: no rotation is under way or stuck, and no kept generation differs',
      );
    return EXIT.done;
  }
  requireUsable(chosen, mayTrustFormerCa);
  const { kept } = chosen;
  const plan = planKept(kept, node, await unitsOf(node, hands, abort));
  const isHeld = chosen.isInRotation && mayGoByItself(hands.config);
  const carryOut = async (): Promise<Outcome> => await carryOutInTurn(plan, { runId: RUN_ID, hands, abort });
  const { outcome, heldUntil } = isHeld
    ? await whileHeld(hands, carryOut)
    : { outcome: await carryOut(), heldUntil: undefined };
  return tell(outcome, { to: kept.id, heldUntil }, context, terminal);
}

/** Reports the outcome. */
function tell(
  outcome: Outcome,
  { to, heldUntil }: { to?: string; heldUntil?: string | undefined },
  context: Context,
  terminal: Terminal,
): ExitCode {
  const isBack = outcome.is === 'succeeded';
  if (context.json)
    writeJson(context, 'rollback', {
      rolledBack: isBack,
      to,
      ...(isBack ? outputsAs(Changed, outcome) : { why: outcome.stderr.trim(), code: outcome.error?.code }),
      heldUntil,
    });
  else {
    terminal.line((isBack ? outcome.stdout : outcome.stderr).trimEnd());
    if (heldUntil !== undefined)
      terminal.line(
        `no further phase of a rotation starts before ${heldUntil}; "agent rotation continue" ends the hold`,
      );
  }
  return isBack ? EXIT.done : EXIT.deploymentFailed;
}

/**
 * Returns the generation with that id, or the newest one that would change a file.
 *
 * @throws `usage` for an unknown id
 */
function choose(seen: readonly SeenKept[], id: string | undefined): SeenKept | undefined {
  if (id === undefined) return seen.find(({ changes }) => changes.length > 0);
  const found = seen.find(({ kept }) => kept.id === id);
  if (found) return found;
  throw new AgentError('usage', `--to: no kept generation has the id ${id}; see "agent rollback --list"`);
}

/** Rejects a generation that cannot be used. @throws `precondition`: `former-ca`, `kept-unfit` */
function requireUsable({ kept, formerCas, faults }: SeenKept, mayTrustFormerCa: boolean): void {
  if (faults.length > 0)
    throw new AgentError('precondition', `${kept.id} cannot be restored: ${faults.join('; ')}`, {
      reason: 'kept-unfit',
    });
  if (formerCas.length > 0 && !mayTrustFormerCa)
    throw new AgentError(
      'precondition',
      `${kept.id} trusts a CA that this node no longer trusts (${formerCas.join(', ')}): certificates of that CA would be accepted again, and peers with only the present CA would reject this node; --former-ca overrides this`,
      { reason: 'former-ca' },
    );
}

/** Holds further phases, which would undo the rollback. The hold is on disk before the rollback starts. */
async function whileHeld(
  hands: Hands,
  carryOut: () => Promise<Outcome>,
): Promise<{ outcome: Outcome; heldUntil: string }> {
  const orders = await readOrders(hands);
  const heldUntil = Math.max(orders.heldUntil ?? 0, hands.clock.now() + HOLD_MS);
  await writeOrders({ ...orders, heldUntil }, hands);
  try {
    return { outcome: await carryOut(), heldUntil: new Date(heldUntil).toISOString() };
  } catch (error) {
    if (codeOf(error) !== 'aborted') await writeOrders(orders, hands);
    throw error;
  }
}

async function list(context: Context, terminal: Terminal): Promise<ExitCode> {
  const hands = await openHands(context, () => undefined);
  try {
    const seen = await seeKept(await readNode(hands), hands);
    if (context.json)
      writeJson(context, 'rollback', {
        rolledBack: false,
        kept: seen.map(({ kept: { id, runId, at }, notAfter, changes, formerCas, faults }) => ({
          id,
          at: new Date(at).toISOString(),
          runId,
          notAfter,
          changes,
          formerCas,
          faults,
        })),
      });
    else if (seen.length === 0) terminal.line('no kept generations');
    else for (const one of seen) terminal.line(describe(one));
    return EXIT.done;
  } finally {
    hands.close();
  }
}

function describe({ kept: { id, runId }, notAfter, changes, formerCas, faults }: SeenKept): string {
  const state =
    faults.length > 0
      ? `cannot be restored: ${faults.join('; ')}`
      : changes.length === 0
        ? 'in use'
        : `${changes.length} files differ${formerCas.length > 0 ? '; its CA is no longer trusted (--former-ca)' : ''}`;
  return `${id}  replaced by ${runId}, valid until ${notAfter ?? 'unknown'}: ${state}`;
}
