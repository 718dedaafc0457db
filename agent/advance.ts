import { AgentError, explain } from '../src/base/errors.ts';
import type { RotateOperation } from '../src/operation/operation.ts';
import { perform } from './execution/perform.ts';
import type { Hands } from './hands.ts';
import { checkNode, type Node } from './node.ts';
import { carryOutOwn } from './pass/own-work.ts';
import { intendToRotate } from './pass/intend-rotation.ts';
import { announce, whileAnnounced } from './peers/announce.ts';
import { callWorkers } from './peers/call-workers.ts';
import { type Place, placeOf } from './peers/known.ts';
import { type Look, lookAround } from './peers/look.ts';
import { mastersOf, turnPlaceOf } from './peers/masters.ts';
import { PROBES } from './peers/probes.ts';
import { seeOldCaUsers } from './peers/see-old-ca-users.ts';
import {
  type BeforeRestart,
  giveTurnBack,
  newTurnMemory,
  takeTurn,
  type TurnMemory,
  whileHeld,
} from './peers/turn.ts';
import { decide } from './phases/decide.ts';
import { warnsOfEnd } from './phases/hold.ts';
import { readRotation, type RotationRecord, writeRotation } from './phases/record.ts';
import { signingPair } from './rotation/service-account.ts';

/** A due step and its outcome, or why no step is due. */
export type Advanced =
  | { is: 'nothing' }
  | { is: 'waits'; why: string; for: readonly string[]; until: number | undefined }
  | { is: 'stepped'; step: Step; despite: readonly string[] }
  | { is: 'failed'; step: Step; error: AgentError };
type Step = 'trust' | 'reissue' | 'retire';

/** State that one process keeps between two looks. */
export type AdvanceMemory = {
  turn: TurnMemory;
  /** A previous process may have been killed during a step. Its turn and its note on the Node may still exist. */
  mayHaveLeft: boolean;
};
export const newAdvanceMemory = (): AdvanceMemory => ({ turn: newTurnMemory(), mayHaveLeft: true });

/**
 * Takes the next step of a rotation on this node, if one is due: compares the node with the CAs that Magnum serves,
 * asks its peers and follows `decide`. It does not wait; the next look comes later.
 *
 * @throws `aborted`, and errors that prevent asking Magnum or the node
 */
export async function advance(
  memory: AdvanceMemory,
  node: Node,
  hands: Hands,
  abort: AbortSignal,
): Promise<Advanced> {
  if (await hands.generations.underWay()) return { is: 'waits', why: 'under-way', for: [], until: undefined };
  checkNode(node, hands.config.heat_params, false);
  const cluster = await hands.openCluster(node.params, undefined, abort, { patient: false });
  const at = await placeOf(node, hands, abort);
  const lookAgain = async (): Promise<Look> => await lookAround(at, cluster, hands, abort);
  const advanced = await nextStep(memory, at, lookAgain, hands, abort);
  await note(advanced, hands);
  if (advanced.is === 'nothing') await hands.disk.remove(PROBES);
  return advanced;
}

async function nextStep(
  memory: AdvanceMemory,
  at: Place,
  lookAgain: () => Promise<Look>,
  hands: Hands,
  abort: AbortSignal,
): Promise<Advanced> {
  const seen = await lookAgain();
  const { view, known } = seen;
  const decision = decide(view);
  await callWorkers(seen, at, hands, abort);
  await seeOldCaUsers(decision.do === 'retire', seen, at, hands, abort);
  if (decision.do === 'nothing' || decision.do === 'wait') {
    if (memory.mayHaveLeft) {
      await announce(undefined, known, at, hands, abort);
      const turn = turnPlaceOf(known, at);
      if (turn) await giveTurnBack(turn, hands, abort);
    }
    memory.mayHaveLeft = false;
    memory.turn = newTurnMemory();
    if (decision.do === 'nothing') return { is: 'nothing' };
    return { is: 'waits', why: decision.why, for: decision.for, until: decision.until };
  }
  const take = async (beforeRestart?: BeforeRestart): Promise<Advanced> =>
    await takeStep(decision.do, at, lookAgain, hands, abort, beforeRestart);
  const masters = await mastersOf(known, at, hands, abort);
  if (!masters || masters.isCutOff) return await take();
  const turn = await takeTurn(masters.place, masters.others, memory.turn, hands, abort);
  if (turn.is === 'wait') return { is: 'waits', why: `turn-${turn.why}`, for: turn.for, until: undefined };
  memory.turn = newTurnMemory();
  return await whileHeld(masters.place, hands, abort, take);
}

/** Checks once more right before the step: taking the turn may have taken long. */
async function takeStep(
  phase: Step,
  at: Place,
  lookAgain: () => Promise<Look>,
  hands: Hands,
  abort: AbortSignal,
  beforeRestart: BeforeRestart | undefined,
): Promise<Advanced> {
  const { view, known } = await lookAgain();
  const decision = decide(view);
  if (decision.do !== phase) return { is: 'waits', why: 'changed', for: [], until: undefined };
  const despite = 'despite' in decision ? decision.despite : [];
  return await whileAnnounced(phase, known, at, hands, abort, async (isTold) => {
    if (!isTold) return { is: 'waits', why: 'no-api', for: [], until: undefined };
    const serviceAccount = 'keepsTokenKey' in decision ? await signingPair(at.node, hands) : undefined;
    const error = await step({ phase, serviceAccount }, hands, abort, beforeRestart);
    return error ? { is: 'failed', step: phase, error } : { is: 'stepped', step: phase, despite };
  });
}

/** Carries a phase out like a deployment, but sends no signal. @returns why it failed */
async function step(
  { phase, serviceAccount }: { phase: Step; serviceAccount: RotateOperation['serviceAccount'] },
  hands: Hands,
  abort: AbortSignal,
  beforeRestart: BeforeRestart | undefined,
): Promise<AgentError | undefined> {
  const operation: RotateOperation = { kind: 'rotate', phase, serviceAccount, keystoneToken: undefined };
  const runId = `auto-${phase}`;
  hands.log('phase-started', { phase });
  const ended = await carryOutOwn(runId, hands, async () => {
    const { plan } = await intendToRotate(operation, hands, abort);
    return await perform(plan, { runId, hands, abort, beforeRestart });
  });
  if (ended.is === 'done') {
    hands.log('phase-done', { phase });
    return undefined;
  }
  const { error, node } = ended;
  if (!(error instanceof AgentError)) throw error;
  hands.log('phase-failed', { phase, code: error.code, node, why: explain(error) });
  return error;
}

/** Records for `agent status` which nodes the rotation waits for. */
async function note(advanced: Advanced, hands: Hands): Promise<void> {
  const record = await readRotation(hands);
  const { waits: before, ...rest } = record;
  const waits =
    advanced.is === 'waits'
      ? {
          why: advanced.why,
          for: [...advanced.for],
          ...(advanced.until !== undefined && { until: advanced.until }),
          at: hands.clock.now(),
        }
      : undefined;
  const holdEnds = waits?.why === 'held' ? waits.until : undefined;
  const warns = warnsOfEnd(holdEnds, record, hands.clock.now());
  const isSame =
    waits?.why === before?.why && waits?.for.join() === before?.for.join() && holdEnds === heldUntil(before);
  if (isSame && !warns) return;
  if (waits && !isSame) hands.log('rotation-waits', { why: waits.why, peers: waits.for });
  if (warns) hands.log('hold-ends-soon', { until: new Date(holdEnds).toISOString() });
  await writeRotation({ ...rest, ...(waits && { waits }), ...(warns && { holdWarned: holdEnds }) }, hands);
}

const heldUntil = (waits: RotationRecord['waits']): number | undefined =>
  waits?.why === 'held' ? waits.until : undefined;
