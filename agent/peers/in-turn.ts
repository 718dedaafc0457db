import { certificatesIn } from '../../src/certificates/read.ts';
import { AgentError, codeOf, explain, isNotReady, reasonOf } from '../../src/base/errors.ts';
import type { Patience } from '../../src/base/retry.ts';
import type { Hands } from '../hands.ts';
import { type Node, nodeNameOf, readNode } from '../node.ts';
import { readRotation, writeRotation } from '../phases/record.ts';
import { announce, whileAnnounced } from './announce.ts';
import { clientsOf, readClient } from './clients.ts';
import { apisOf, findKnown, type Known, type Place, placeOf } from './known.ts';
import { mastersOf } from './masters.ts';
import { takesTurns } from './takes-turns.ts';
import {
  type BeforeRestart,
  giveTurnBack,
  newTurnMemory,
  takeTurn,
  type TurnPlace,
  whileHeld,
} from './turn.ts';

/** Interval of requests for a turn, and the limit after which a master continues without one. */
const PATIENCE: Patience = { baseMs: 5000, capMs: 5000, forMs: 900_000 };

/**
 * Restarts a master's units within its turn. Masters take turns if they go through rotations by themselves and etcd has
 * several members. Asks only the Kubernetes API and the peers. After 15 minutes the work starts without a turn, because
 * a deployment waits for its answer. While no API server answers, the work does not start, unless a certificate of this
 * node has expired: then peers already reject it.
 *
 * @param resumes an interrupted run is being completed: it waits for another master's turn, but not for the API
 * @throws `precondition` with the reason `no-api`, and the errors of `work`
 */
export async function inTurn<T>(
  node: Node,
  hands: Hands,
  abort: AbortSignal,
  work: (beforeRestart?: BeforeRestart) => Promise<T>,
  resumes = false,
): Promise<T> {
  if (hands.withoutTurn === true || !(await takesTurns(node, hands, abort))) return await work();
  const place = await placeOf(node, hands, abort);
  const taken = await waitForTurn(place, resumes, hands, abort);
  if (!taken) return await (resumes ? untilGivenBack(place, hands, abort, work) : work());
  return await whileHeld(
    taken.turn,
    hands,
    abort,
    async (beforeRestart) =>
      await whileAnnounced(
        'restart',
        taken.known,
        place,
        hands,
        abort,
        async () => await work(beforeRestart),
      ),
  );
}

/**
 * Completes an interrupted run in its turn. It must finish even without an API server, because that may be one of the
 * stopped units. A node that cannot be read takes no turns.
 *
 * @throws the errors of `work`
 */
export async function resumeInTurn<T>(
  hands: Hands,
  abort: AbortSignal,
  work: (beforeRestart?: BeforeRestart) => Promise<T>,
): Promise<T> {
  const node = await readNode(hands).catch((error: unknown) => {
    if (!(error instanceof AgentError)) throw error;
    return undefined;
  });
  return node ? await inTurn(node, hands, abort, work, true) : await work();
}

const TAKING = { code: 'take-turn', text: 'wait for the turn of this master' } as const;

type Taken = { turn: TurnPlace; known: Known };

/** @returns undefined when this node takes no turns, or when the work starts without one */
async function waitForTurn(
  place: Place,
  resumes: boolean,
  hands: Hands,
  abort: AbortSignal,
): Promise<Taken | undefined> {
  const memory = newTurnMemory();
  const ask = async (): Promise<Taken | undefined> => {
    const known = await findKnown(place, hands, abort);
    const masters = (await mastersOf(known, place, hands, abort)) ?? unknownMasters(known, place);
    if (!masters || ('isCutOff' in masters && masters.isCutOff)) return undefined;
    if (masters.others === 'unknown' && !resumes && known.api === 'answers')
      throw notYet('unwell', nodeNameOf(place.node));
    const turn = await takeTurn(masters.place, masters.others, memory, hands, abort, resumes);
    if (turn.is !== 'wait') return { turn: masters.place, known };
    if (resumes && (turn.why === 'no-api' || turn.why === 'api-refused')) {
      hands.log('turn-not-given', { why: turn.why });
      return undefined;
    }
    throw notYet(turn.why, ...turn.for);
  };
  try {
    // `agent status` shows which nodes a retry waits for, and until when.
    const taken = await hands.retry(TAKING, PATIENCE, abort, ask);
    if (taken) await noteMissed(undefined, hands);
    return taken;
  } catch (error) {
    if (!isNotReady(error)) throw error;
    hands.log('turn-not-given', { why: explain(error) });
    if (resumes || reasonOf(error) !== 'no-api' || (await isCutOff(place, hands))) return undefined;
    await noteMissed('no-api', hands);
    throw new AgentError('precondition', NO_API, { cause: error, reason: 'no-api' });
  }
}

/** Completes a run without a turn, and ends the turn that the interrupted run may have held: its lease and its announcement. */
async function untilGivenBack<T>(
  place: Place,
  hands: Hands,
  abort: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } finally {
    const { node, units } = place;
    const { kubernetes: client } = clientsOf(node);
    const { peers } = await readRotation(hands);
    await announce(undefined, { peers }, place, hands, abort);
    if (client)
      await giveTurnBack({ own: nodeNameOf(node), apis: apisOf(node, units, peers), client }, hands, abort);
  }
}

const NO_API =
  'no API server of the cluster answers, so this master gets no turn and restarts nothing: start an API server, or use --without-turn';

const notYet = (why: string, ...who: string[]): AgentError =>
  new AgentError('not-yet', `${why}: ${who.join(', ')}`, { reason: why });

/**
 * Returns a place for the turn if other masters exist but the node's own etcd does not answer, so that they are
 * unknown.
 */
function unknownMasters(
  { members, peers }: Known,
  { node, units }: Place,
): { place: TurnPlace; others: 'unknown' } | undefined {
  const { kubernetes, etcd } = clientsOf(node);
  if (members.length > 0 || !kubernetes || !etcd || !peers.some(({ isMaster }) => isMaster)) return undefined;
  const place = { own: nodeNameOf(node), apis: apisOf(node, units, peers), client: kubernetes };
  return { place, others: 'unknown' };
}

/** Whether a client certificate of this node has expired. Every peer rejects it, and waiting does not help. */
async function isCutOff({ node }: Place, hands: Hands): Promise<boolean> {
  for (const client of Object.values(clientsOf(node))) {
    const identity = await readClient(client, hands);
    const [leaf] = certificatesIn(identity?.certificate ?? '', client.certificate);
    if (leaf && leaf.validToDate.getTime() <= hands.clock.now()) return true;
  }
  return false;
}

/** Records a missed turn for `agent status` and `agent doctor`. */
async function noteMissed(why: string | undefined, hands: Hands): Promise<void> {
  try {
    const { turnMissed, ...rest } = await readRotation(hands);
    if (turnMissed?.why === why) return;
    await writeRotation(
      why === undefined ? rest : { ...rest, turnMissed: { why, at: hands.clock.now() } },
      hands,
    );
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    hands.log('turn-unrecorded', { why: explain(error) });
  }
}
