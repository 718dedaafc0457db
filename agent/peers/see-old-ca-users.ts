import type { X509Certificate } from 'node:crypto';
import { readText } from '../../src/base/disk.ts';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { withDeadline } from '../../src/base/clock.ts';
import { certificatesIn } from '../../src/certificates/read.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { type KnownPeer, readRotation, writeRotation } from '../phases/record.ts';
import { issueHands } from '../rotation/issue-hands.ts';
import { findOldCaUsers, type OldCaUsers } from '../rotation/old-ca-users.ts';
import { clientsOf } from './clients.ts';
import { readServedCas, type ServedCas } from '../rotation/served-cas.ts';
import { apisOf, type Place, placeOf } from './known.ts';
import type { Look } from './look.ts';
import { wordFor } from './own-state.ts';
import { withAnyApi } from './reach-api.ts';

/** Minimum age of the last look before a new one: while `retire` waits, and right before `retire`. */
const PACE_MS = { waits: 3_600_000, due: 300_000 };
/** Time limit for a look at a large cluster. A look that exceeds it is discarded. */
const LONGEST_MS = 60_000;
/** Limit for the named objects; the others are only counted. */
const NAMED = 50;

/**
 * Lists, on a master before `retire`, the objects of the cluster that still need the old CA. Records them for `agent
 * status` and logs an event when they change. Nothing waits for them, and a failure only delays the next look.
 *
 * @param isDue whether `retire` is about to start
 * @throws `aborted`
 */
export async function seeOldCaUsers(
  isDue: boolean,
  { view, known, served }: Look,
  { node, units }: Place,
  hands: Hands,
  abort: AbortSignal,
): Promise<void> {
  const { own, course } = view;
  const isBeforeRetire = own.trustsServed && own.presentsServed && own.trustsFormer;
  // A person has ordered to finish now.
  if (!own.isMaster || !isBeforeRetire || course.finishNow) return;
  const place = { node, units };
  await lookThrough(isDue, served, course.since, known.peers, place, hands, abort);
}

/**
 * Does the same before a `retire` that a deployment requests by name. The nodes may not have looked at their peers
 * before. Then the creation of Magnum's CA counts: pods started before it do not trust it.
 *
 * @throws `aborted`
 */
export async function seeOldCaUsersBeforeRetire(node: Node, hands: Hands, abort: AbortSignal): Promise<void> {
  if (node.role !== 'master') return;
  try {
    const cluster = await hands.openCluster(node.params, undefined, abort, { patient: false });
    const asked = { authorities: node.layout.authorities, requests: [] };
    const served = await readServedCas(node, issueHands(cluster, undefined, hands, asked), hands);
    const { course, peers } = await readRotation(hands);
    const made = Math.min(...[...served.values()].map(({ validFromDate }) => validFromDate.getTime()));
    const since = course?.cas === wordFor(served) ? course.since : made;
    await lookThrough(true, served, since, peers, await placeOf(node, hands, abort), hands, abort);
  } catch (error) {
    tellUnknown(error, hands, abort);
  }
}

/** Lists and records the objects. @param since when the nodes started to trust the served CAs */
async function lookThrough(
  isDue: boolean,
  served: ServedCas,
  since: number,
  peers: readonly KnownPeer[],
  { node, units }: Place,
  hands: Hands,
  abort: AbortSignal,
): Promise<void> {
  const { kubernetes } = clientsOf(node);
  const former = await formerIn(node, served, hands);
  if (!kubernetes || former.length === 0) return;
  const now = hands.clock.now();
  const record = await readRotation(hands);
  const cas = wordFor(served);
  const before = record.oldCaUsers?.cas === cas ? record.oldCaUsers : undefined;
  if (before && now - before.at < (isDue ? PACE_MS.due : PACE_MS.waits)) return;
  const all = { served: [...served.values()], former };
  const found = await looked(
    async (limit) =>
      await withAnyApi(
        apisOf(node, units, peers),
        kubernetes,
        hands,
        limit,
        async (ask) => await findOldCaUsers(ask, all, since, node, hands, limit),
      ),
  );
  if (found?.api !== 'answers') return;
  const { users, isAll } = found.value;
  const named = users.slice(0, NAMED);
  await writeRotation(
    { ...record, oldCaUsers: { cas, at: now, isAll, count: users.length, users: named } },
    hands,
  );
  if (users.length > 0 && JSON.stringify(named) !== JSON.stringify(before?.users))
    hands.log('old-ca-in-use', { count: users.length, isAll, objects: named.map(inWords) });

  async function looked<T>(look: (limit: AbortSignal) => Promise<T>): Promise<T | undefined> {
    try {
      return await look(withDeadline(abort, LONGEST_MS));
    } catch (error) {
      tellUnknown(error, hands, abort);
      return undefined;
    }
  }
}

/** Logs a failed look. @throws the error when the program must stop, or when it is a bug */
function tellUnknown(error: unknown, { log }: Pick<Hands, 'log'>, abort: AbortSignal): void {
  if (abort.aborted || !(error instanceof AgentError)) throw error;
  log('old-ca-users-unknown', { code: codeOf(error), why: explain(error) });
}

const inWords = ({ kind, namespace, name, reason }: OldCaUsers['users'][number]): string =>
  `${kind} ${namespace === '' ? '' : `${namespace}/`}${name} (${reason})`;

/** Returns the CAs that this node trusts besides those that Magnum serves. */
async function formerIn(
  { layout }: Node,
  served: Look['served'],
  { disk }: Pick<Hands, 'disk'>,
): Promise<X509Certificate[]> {
  const fresh = new Set([...served.values()].map(({ fingerprint256 }) => fingerprint256));
  const former: X509Certificate[] = [];
  for (const { file } of layout.authorities)
    former.push(...certificatesIn((await readText(disk, file.path)) ?? '', file.path));
  return former.filter(({ fingerprint256 }) => !fresh.has(fingerprint256));
}
